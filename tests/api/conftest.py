from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.api.world import World


@pytest.fixture
def world(db: None, tmp_path: Path) -> World:
    """One of everything that the API speaks of."""
    from tests.api.world import build

    return build(tmp_path)
