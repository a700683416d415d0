"""One house for all fault tests: its workers stay warm, so that a case costs the takeover and no start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bonanca.actuators.process.tests.conftest import root, spec
from tests.faults.support.house import House

__all__ = ["house", "root", "spec", "standing_house"]


@pytest.fixture(scope="session")
def standing_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(Path(tmp_path_factory.mktemp("house")))
    yield house
    house.close()


@pytest.fixture
def house(standing_house: House) -> Iterator[House]:
    """The house with nobody standing at a crash point; whoever a failed case left there goes on afterwards."""
    standing_house.let_go()
    yield standing_house
    standing_house.let_go()
