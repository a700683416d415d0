"""Both languages, complete: compile, check and extract the rooms' catalogues (no gettext package is needed).

`python -m bonanca.ui.translations compile | check | extract ROOM`
"""

from bonanca.ui.translations.catalogs import Catalogue, catalogues, compile_stale

__all__ = ["Catalogue", "catalogues", "compile_stale"]
