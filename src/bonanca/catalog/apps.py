from __future__ import annotations

from bonanca.kernel import plugins


class CatalogConfig(plugins.RoomConfig):
    name = "bonanca.catalog"
    label = "catalog"
