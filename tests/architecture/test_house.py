"""The repository keeps the rules of the house."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bonanca.cli import reference
from tests.architecture import checks

ROOT = Path(__file__).parents[2]
EVERYWHERE = [
    checks.long_files,
    checks.long_functions,
    checks.fat_models,
    checks.nameless_drawers,
    checks.registry_hosts,
    checks.rooms_without_rules,
    checks.unlocked_dependencies,
]


@pytest.mark.parametrize("rule", EVERYWHERE, ids=lambda rule: rule.__name__)
def test_the_repository_keeps(rule: Callable[[Path], list[str]]) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize("rule", [checks.django_signals, checks.rooms_entered_by_the_window], ids=lambda r: r.__name__)
def test_the_package_keeps(rule: Callable[[Path], list[str]]) -> None:
    assert rule(ROOT / "src") == []


def test_every_command_is_in_the_reference() -> None:
    # Renewed by `make reference`.
    named = [name for name, _ in reference.commands()]
    assert "bonanca up" in named
    assert checks.undocumented_commands(named, (ROOT / reference.PAGE).read_text()) == []
