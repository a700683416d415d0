"""Each rule of the documents fails on a tree that breaks it, and passes on one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import event_page, mentions


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path, "src/bonanca/room/__init__.py", "from bonanca.room.doors import opened\n")
    write(tmp_path, "src/bonanca/room/doors.py", "LIMIT: int = 3\nclass Door: ...\ndef opened(): ...\n")
    write(tmp_path, "docs/reference/page.md", "")
    return tmp_path


def test_a_file_that_is_not_there(tree: Path) -> None:
    write(
        tree, "README.md", "`room/doors.py`, `src/bonanca/room`, `docs/reference/page.md`, [a](docs/reference/page.md)"
    )
    assert mentions.missing_files(tree) == []
    write(tree, "README.md", "`room/walls.py` and `src/bonanca/attic`, [a](docs/b.md)")
    assert mentions.missing_files(tree) == [
        "README.md: there is no room/walls.py",
        "README.md: there is no src/bonanca/attic",
        "README.md: links to docs/b.md, which is not there",
    ]


def test_a_module_that_is_not_there(tree: Path) -> None:
    write(
        tree,
        "README.md",
        "`bonanca.room`, `bonanca.room.doors`, `bonanca.room.doors.opened`, `bonanca.room.doors.Door`, "
        "`bonanca.room.doors.LIMIT`, `bonanca.room.opened`, `bonanca.yaml`",
    )
    assert mentions.missing_modules(tree) == []
    write(
        tree,
        "README.md",
        "`bonanca.attic`\n```python\nfrom bonanca.room.doors import x\nbonanca.room.doors.closed\n```",
    )
    assert mentions.missing_modules(tree) == [
        "README.md: there is no bonanca.attic",
        "README.md: there is no bonanca.room.doors.closed",
    ]


def test_a_command_that_does_not_exist(tree: Path) -> None:
    known = {"bonanca up", "bonanca backup take", "bonanca apply"}
    write(tree, "README.md", "`bonanca up --port 1`\n```sh\nbonanca backup take shop\nbonanca apply FILE\n```")
    assert mentions.unknown_commands(tree, known) == []
    write(tree, "README.md", "`bonanca down`\n```sh\n$ .venv/bin/bonanca backup give shop\n```")
    assert mentions.unknown_commands(tree, known) == [
        "README.md: there is no `bonanca backup give`",
        "README.md: there is no `bonanca down`",
    ]


def test_a_setting_that_the_code_reads_is_found(tree: Path) -> None:
    write(tree, "src/bonanca/room/tests/test_doors.py", "x = 'BONANCA_TEST'\n")
    write(tree, "src/bonanca/room/doors.py", '"""Not BONANCA_PROSE."""\nimport os\nx = os.environ["BONANCA_DOORS"]\n')
    assert mentions.variables_read(tree) == {"BONANCA_DOORS"}
    assert mentions.variables_documented("| `BONANCA_DOORS` | 1 | doors |\nnot `BONANCA_OTHER`\n") == {"BONANCA_DOORS"}


def test_only_whole_catalogs_are_taken_for_catalogs() -> None:
    text = "```yaml\nversion: 1\nteams: []\n```\n```yaml\nslo: []\n```\n```sh\nversion: 1\n```\n"
    assert mentions.yaml_blocks(text) == ["version: 1\nteams: []\n"]


def test_an_event_is_listed_with_its_facts_and_reactions(tree: Path) -> None:
    base = (
        "from bonanca.kernel.events import Event\nclass _Base(Event):\n    NAME: ClassVar[str] = 'r.v0'\n    id: UUID\n"
    )
    opened = (
        "class Opened(_Base):\n    '''It is open.'''\n    NAME: ClassVar[str] = 'room.opened.v1'\n    at: datetime\n"
    )
    write(tree, "src/bonanca/room/events.py", base + opened)
    reaction = "from bonanca.room.events import Opened as O\n@reaction(O, 'close')\ndef close(event, now): ...\n"
    write(tree, "src/bonanca/reactions/opened.py", reaction)
    page = event_page.page(tree)
    assert "| `room.opened.v1`<br>It is open. | `id`, `at` | `opened.py close` |" in page
    assert "r.v0" not in page
