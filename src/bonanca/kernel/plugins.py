"""Find what a room offers (`steps`, `panels`, `worker`, `api` …) without anybody keeping a list of it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from django.apps import AppConfig


def load(name: str) -> ModuleType | None:
    """Import `name` if it exists; an error inside it is raised, an absent module is None."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError as missing:
        if missing.name and name.startswith(missing.name):
            return None
        raise
    return import_module(name) if spec is not None else None


class RoomConfig(AppConfig):
    """A room of the house: its step kinds and panels register themselves when Django is ready.

    `apps.py` files name it as `plugins.RoomConfig`: with the class itself in their namespace, Django would
    find two candidates, take neither, and register nothing.
    """

    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        for offer in ("steps", "panels"):
            load(f"{self.name}.{offer}")
