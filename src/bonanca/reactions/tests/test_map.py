"""The list of files is the causal map: one file an event, every file says what it is about, every reaction why."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path

import bonanca.reactions
from bonanca.kernel import events
from bonanca.outbox import registry
from bonanca.reactions import all as everything

FOLDER = Path(bonanca.reactions.__file__).parent
FILES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("__init__", "apps", "all"))


def subscribers() -> dict[str, dict[str, registry.Subscriber]]:
    return {name: known for name, known in registry._SUBSCRIBERS.items() if known and "test" not in name}


def test_ls_is_what_is_registered() -> None:
    assert everything is not None
    registered = {function.__module__ for known in subscribers().values() for function in known.values()}
    assert registered == {f"bonanca.reactions.{name}" for name in FILES}


def test_every_file_hears_of_one_thing_but_for_what_belongs_to_one_page() -> None:
    heard: dict[str, set[str]] = {}
    for event, known in subscribers().items():
        for function in known.values():
            heard.setdefault(function.__module__.rpartition(".")[2], set()).add(event)
    several = {name for name, names in heard.items() if len(names) > 1}
    # What becomes of a page, or of a message, is one story each.
    assert several == {"person_paged", "message_settled"}


def test_every_event_that_is_heard_is_declared() -> None:
    assert [name for name in subscribers() if name not in events._BY_NAME] == []


def test_every_file_and_every_reaction_says_what_it_is_for() -> None:
    silent = []
    for name in FILES:
        source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
        silent += [] if ast.get_docstring(ast.parse(source)) else [name]
        module = import_module(f"bonanca.reactions.{name}")
        for _, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not function.__name__.startswith("_"):
                silent += [] if function.__doc__ else [f"{name}.{function.__name__}"]
    assert silent == []


def test_every_file_has_a_test() -> None:
    tested = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert [name for name in FILES if name not in tested] == []
