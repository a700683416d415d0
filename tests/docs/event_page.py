"""docs/reference/events.md, written from the declarations: `python -m tests.docs.event_page`. No Django is needed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = Path("docs") / "reference" / "events.md"
HEAD = """# Events

What rooms tell each other. An event is written into the outbox in the transaction that makes it true and is delivered
to each of its reactions at least once. A change of meaning gets a new number at the end of the name. Identifiers are
UUIDs, times are aware and UTC. The reactions are the files of `src/bonanca/reactions`.

Written from the code by `python -m tests.docs.event_page`; a test fails when the two differ.
"""


@dataclass(frozen=True)
class Declared:
    """One event class as its file declares it; `fields` include those of its base."""

    room: str
    module: str
    cls: str
    name: str
    words: str
    fields: tuple[str, ...]


def declared(root: Path) -> list[Declared]:
    """Return every event of the package that can be published."""
    found: list[Declared] = []
    package = root / "src" / "bonanca"
    for path in sorted([*package.glob("*/events.py"), *package.glob("*/*/events.py")]):
        if path.parent.name == "kernel":
            continue
        module = ".".join(("bonanca", *path.relative_to(package).with_suffix("").parts))
        known: dict[str, tuple[str, ...]] = {}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                inherited = [f for base in node.bases if isinstance(base, ast.Name) for f in known.get(base.id, ())]
                known[node.name] = (*inherited, *_fields(node))
                name = _name(node)
                # Bases of several events are private: nobody publishes them.
                if name and not node.name.startswith("_"):
                    words = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
                    found.append(Declared(path.parent.name, module, node.name, name, words, known[node.name]))
    return found


def _fields(node: ast.ClassDef) -> Iterator[str]:
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.target.id != "NAME":
            yield item.target.id


def _name(node: ast.ClassDef) -> str:
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.target.id == "NAME":
            return str(ast.literal_eval(item.value)) if item.value is not None else ""
    return ""


def reactions(root: Path) -> dict[tuple[str, str], list[str]]:
    """Return the reactions by (module, class) of their event, each as `file: subscriber`."""
    found: dict[tuple[str, str], list[str]] = {}
    for path in sorted((root / "src" / "bonanca" / "reactions").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            alias.asname or alias.name: (node.module or "", alias.name)
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for node in tree.body:
            for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "reaction":
                    event, subscriber = decorator.args
                    assert isinstance(event, ast.Name)
                    where = imported[event.id]
                    found.setdefault(where, []).append(f"{path.name} {ast.literal_eval(subscriber)}")
    return found


def page(root: Path) -> str:
    """Return the whole page as Markdown."""
    heard = reactions(root)
    lines = [HEAD]
    room = ""
    for event in declared(root):
        if event.room != room:
            room = event.room
            lines.append(f"## {room}\n\n| event | facts | reactions |\n|---|---|---|")
        facts = ", ".join(f"`{name}`" for name in event.fields)
        told = "<br>".join(f"`{word}`" for word in heard.get((event.module, event.cls), [])) or "–"
        words = f"<br>{event.words}" if event.words else ""
        lines.append(f"| `{event.name}`{words} | {facts} | {told} |")
        following = [other for other in declared(root) if other.room == room]
        if event == following[-1]:
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    (ROOT / PAGE).write_text(page(ROOT), encoding="utf-8")
