"""Each rule of the house fails on a tree that breaks it, and passes on one that does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import checks

ROOT = Path(__file__).parents[2]


def write(root: Path, name: str, text: str = "") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_file_of_401_lines_is_too_long(tmp_path: Path) -> None:
    write(tmp_path, "room/fine.py", "x = 1\n" * 400)
    write(tmp_path, "room/migrations/0001_initial.py", "x = 1\n" * 900)
    assert checks.long_files(tmp_path) == []
    write(tmp_path, "room/long.py", "x = 1\n" * 401)
    assert checks.long_files(tmp_path) == ["room/long.py:401: more than 400 lines"]


def test_a_function_of_61_lines_is_too_long(tmp_path: Path) -> None:
    write(tmp_path, "fine.py", "def fine():\n" + "    x = 1\n" * 59)
    assert checks.long_functions(tmp_path) == []
    write(tmp_path, "long.py", "class A:\n  @property\n  async def long(self):\n" + "    x = 1\n" * 59)
    assert checks.long_functions(tmp_path) == ["long.py:3: long has 61 lines"]


def test_a_model_of_16_methods_is_too_fat(tmp_path: Path) -> None:
    methods = "".join(f"    def m{number}(self): ...\n" for number in range(16))
    write(tmp_path, "room/views.py", "class NotAModel:\n" + methods)
    assert checks.fat_models(tmp_path) == []
    write(tmp_path, "room/models.py", "class Fat:\n" + methods)
    assert checks.fat_models(tmp_path) == ["room/models.py:1: Fat has 16 methods"]


@pytest.mark.parametrize("name", ["utils.py", "services.py"])
def test_a_drawer_without_a_subject_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, "room/money.py")
    assert checks.nameless_drawers(tmp_path) == []
    write(tmp_path, f"room/{name}")
    assert len(checks.nameless_drawers(tmp_path)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "from django.dispatch import receiver",
        "import django.dispatch",
        "from django.db.models.signals import post_save",
        "from django.core import signals",
    ],
)
def test_a_django_signal_is_refused(tmp_path: Path, line: str) -> None:
    write(tmp_path, "bonanca/fine/operations.py", "import signal\nfrom django.db import models\n")
    assert checks.django_signals(tmp_path) == []
    write(tmp_path, "bonanca/room/operations.py", line)
    assert len(checks.django_signals(tmp_path)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "from bonanca.catalog.models import Service",
        "from bonanca.catalog import models",
        "import bonanca.catalog.models",
        "from bonanca.catalog.documents import parse",
        "def late():\n    from bonanca.access.models import User",
    ],
)
def test_a_room_entered_by_the_window_is_refused(tmp_path: Path, line: str) -> None:
    allowed = (
        "from bonanca.catalog.queries import get_service\nfrom bonanca.catalog import queries\n"
        "from bonanca.incidents.models import Incident\nfrom bonanca.kernel.ids import new_id\n"
    )
    write(tmp_path, "bonanca/incidents/queries.py", allowed)
    write(tmp_path, "bonanca/incidents/tests/test_it.py", "from bonanca.catalog.models import Service\n")
    assert checks.rooms_entered_by_the_window(tmp_path) == []
    write(tmp_path, "bonanca/incidents/operations/open_incident.py", line)
    assert len(checks.rooms_entered_by_the_window(tmp_path)) == 1


def test_a_registry_host_in_a_tracked_file_is_refused(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    write(tmp_path, "untracked.txt", checks.REGISTRY_HOSTS[0])
    assert checks.registry_hosts(tmp_path) == []
    write(tmp_path, "a.lock", f"--index-{'url'} https://{checks.REGISTRY_HOSTS[0].upper()}/simple\n")
    subprocess.run(["git", "add", "a.lock"], cwd=tmp_path, check=True)
    assert checks.registry_hosts(tmp_path) == [f"a.lock: names {checks.REGISTRY_HOSTS[0]}"]


def test_a_dependency_that_is_not_pinned_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, "requirements.lock", "django==5.2 \\\n    --hash=sha256:00\n")
    write(tmp_path, "requirements-dev.lock", "django==5.2\nruff==1\n")
    declared = (
        '[project]\nname = "bonanca"\ndependencies = ["Django>=5"{}]\n[project.optional-dependencies]\ndev = ["ruff"]\n'
    )
    write(tmp_path, "pyproject.toml", declared.format(""))
    assert checks.unlocked_dependencies(tmp_path) == []
    write(tmp_path, "pyproject.toml", declared.format(', "attic[all]>=1"'))
    assert checks.unlocked_dependencies(tmp_path) == [
        "requirements.lock: attic is not pinned",
        "requirements-dev.lock: attic is not pinned",
    ]


def test_a_room_without_rules_is_noticed(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".importlinter", tmp_path)
    write(tmp_path, "src/bonanca/catalog/__init__.py")
    write(tmp_path, "src/bonanca/catalog/operations/__init__.py")
    assert checks.rooms_without_rules(tmp_path) == []
    write(tmp_path, "src/bonanca/attic/__init__.py")
    write(tmp_path, "src/bonanca/attic/operations/__init__.py")
    assert len(checks.rooms_without_rules(tmp_path)) == 2


def test_a_command_that_the_reference_does_not_name_is_noticed() -> None:
    assert checks.undocumented_commands(["bonanca up", "bonanca audit verify"], "`bonanca up` runs …") == [
        "bonanca audit verify is not in the reference"
    ]


# -- import-linter, with the repository's own contracts, on a small house ------------------------------------------


@pytest.fixture
def small_house(tmp_path: Path) -> Path:
    """A copy of the rooms, empty but for a file of each layer, under the repository's own rules."""
    shutil.copy(ROOT / ".importlinter", tmp_path)
    write(tmp_path, "bonanca/__init__.py")
    for room in (path.parent.name for path in (ROOT / "src" / "bonanca").glob("*/__init__.py")):
        for file in ("__init__", "queries", "models", "state", "events", "web/__init__", "operations/__init__"):
            write(tmp_path, f"bonanca/{room}/{file}.py")
    write(tmp_path, "bonanca/actuators/gateway/__init__.py")
    return tmp_path


def lint(house: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    environment = os.environ | {"PYTHONPATH": str(house)}
    return subprocess.run([program, "--no-cache"], cwd=house, env=environment, capture_output=True, text=True)


def test_the_small_house_is_in_order(small_house: Path) -> None:
    write(small_house, "bonanca/response/web/pages.py", "from bonanca.response import operations\n")
    write(small_house, "bonanca/response/operations/contain.py", "from bonanca.incidents import queries\n")
    write(small_house, "bonanca/catalog/tests/test_it.py", "from bonanca.response import operations\n")
    done = lint(small_house)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("catalog/queries.py", "from bonanca.incidents import queries"),  # upwards between rooms
        ("delivery/queries.py", "from bonanca.recovery import queries"),  # between independent rooms
        ("kernel/events.py", "from bonanca.ui import queries"),  # the ground floor imports nobody
        ("incidents/models.py", "from bonanca.incidents import queries"),  # upwards inside a room
        ("incidents/queries.py", "from bonanca.incidents import operations"),
        ("incidents/operations/open_incident.py", "from bonanca.incidents import web"),
        ("incidents/state.py", "from bonanca.incidents import models"),
    ],
)
def test_an_arrow_upwards_is_refused(small_house: Path, file: str, line: str) -> None:
    write(small_house, f"bonanca/{file}", line + "\n")
    done = lint(small_house)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def test_a_room_that_stands_nowhere_is_refused(small_house: Path) -> None:
    write(small_house, "bonanca/attic/__init__.py")
    assert lint(small_house).returncode == 1
