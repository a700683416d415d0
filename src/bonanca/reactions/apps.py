from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig, load


class ReactionsConfig(RoomConfig):
    name = "bonanca.reactions"
    label = "reactions"

    def ready(self) -> None:
        # Every process that may dispatch events knows the same subscribers.
        load("bonanca.reactions.all")
