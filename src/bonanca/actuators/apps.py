"""The actuators without tables of their own: their step kinds register themselves."""

from __future__ import annotations

from pathlib import Path

from bonanca.kernel import plugins


class ActuatorsConfig(plugins.RoomConfig):
    name = "bonanca.actuators"
    label = "actuators"

    def ready(self) -> None:
        for folder in sorted(Path(__file__).parent.iterdir()):
            # These have tables, and so apps of their own.
            if folder.is_dir() and folder.name not in ("gateway", "ssh"):
                plugins.load(f"{self.name}.{folder.name}.steps")
