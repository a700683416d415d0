from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connection

if TYPE_CHECKING:
    from tests.api.world import World


@pytest.fixture
def world(db: None, tmp_path: Path) -> World:
    """One of everything that the API speaks of."""
    from tests.api.world import build

    made = build(tmp_path)
    with connection.cursor() as cursor:
        # A containment limits how long its transaction may idle; here that transaction is the whole test.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    return made
