from __future__ import annotations

from bonanca.kernel import plugins


class ReviewsConfig(plugins.RoomConfig):
    name = "bonanca.reviews"
    label = "reviews"
