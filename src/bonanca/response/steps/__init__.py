"""Step kinds of plans that only this room can carry out, and the gates that need the rooms below it."""

from bonanca.response import gates
from bonanca.response.steps import announcing, checking, lifting, watching, weighing, work

__all__ = ["announcing", "checking", "gates", "lifting", "watching", "weighing", "work"]
