from __future__ import annotations

from bonanca.kernel.plugins import RoomConfig


class CatalogConfig(RoomConfig):
    name = "bonanca.catalog"
    label = "catalog"
