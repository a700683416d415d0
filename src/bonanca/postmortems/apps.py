from __future__ import annotations

from bonanca.kernel import plugins


class PostmortemsConfig(plugins.RoomConfig):
    name = "bonanca.postmortems"
    label = "postmortems"
