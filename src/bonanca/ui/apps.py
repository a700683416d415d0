from __future__ import annotations

from bonanca.kernel import plugins


class UiConfig(plugins.RoomConfig):
    name = "bonanca.ui"
    label = "ui"

    def ready(self) -> None:
        from bonanca.ui.translations import compile_stale

        # Compiled catalogues are not committed: whoever runs the source gets them here, with nothing to remember.
        compile_stale()
        super().ready()
