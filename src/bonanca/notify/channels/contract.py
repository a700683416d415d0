from __future__ import annotations


class CannotDeliver(Exception):
    """A channel did not take a message."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent
