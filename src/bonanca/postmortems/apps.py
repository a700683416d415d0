from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class PostmortemsConfig(RoomConfig):
    name = "bonanca.postmortems"
    label = "postmortems"
