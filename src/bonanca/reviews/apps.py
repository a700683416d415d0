from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class ReviewsConfig(RoomConfig):
    name = "bonanca.reviews"
    label = "reviews"
