from __future__ import annotations

from bonanca.kernel import plugins


class ReactionsConfig(plugins.RoomConfig):
    name = "bonanca.reactions"
    label = "reactions"

    def ready(self) -> None:
        # Every process that may dispatch events knows the same subscribers.
        plugins.load("bonanca.reactions.all")
