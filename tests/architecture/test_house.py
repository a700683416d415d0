"""The repository keeps the rules of the house."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField
from django.db.models import NOT_PROVIDED

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


def test_a_column_that_came_later_is_filled_by_the_database() -> None:
    """The release before still writes rows while this one migrates: it knows nothing of the new column."""
    refused = []
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if not migration.__module__.startswith("bonanca.") or migration.initial or name.startswith("0001_"):
            continue
        for one in migration.operations:
            if isinstance(one, AddField) and one.model_name in apps.all_models[app]:
                field = apps.get_model(app, one.model_name)._meta.get_field(one.name)
                if not field.null and field.db_default is NOT_PROVIDED:
                    refused.append(f"{app}.{name}: {one.model_name}.{one.name} needs null=True or a db_default")
    assert refused == []
