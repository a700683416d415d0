from __future__ import annotations

from django.apps import apps

from bonanca.kernel.plugins import RoomConfig


def test_every_room_plugs_in() -> None:
    rooms = [config for config in apps.get_app_configs() if config.name.startswith("bonanca.")]
    assert rooms
    assert [config.name for config in rooms if not isinstance(config, RoomConfig)] == []
