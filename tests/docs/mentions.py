"""What the documents name, and what of it does not exist. No Django: code is read, never imported.

Each rule takes the root of a tree (or a text) and returns what is wrong, one line each, so that its own test can show
it a document that is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)\)")
# `a/b.py` is a file of the package unless it begins with one of these.
TOP = ("src/", "tests/", "docs/", "examples/", "scripts/", ".ci/")
FILE = re.compile(
    r"(?<![\w/.{<-])((?:[\w.-]+/)+[\w.-]+\.(?:py|md|po|html|toml|yaml)|(?:src/bonanca|tests|docs|examples)/[\w./-]*\w)"
)
MODULE = re.compile(r"(?<![\w./])(bonanca(?:\.[a-z_]\w*)+(?:\.[A-Z]\w*)?)(?![\w/])")
# "bonanca envelope v1 …" names a key of the backup format.
COMMAND = re.compile(r"(?:^|[\s(/])bonanca (?!envelope v1)([a-z][a-z-]*)(?: ([a-z][a-z-]*)\b(?![\w./=]))?")
VARIABLE = re.compile(r"BONANCA_[A-Z][A-Z_]*")


def documents(root: Path) -> Iterator[Path]:
    """Yield every Markdown document for people."""
    yield from sorted(root.glob("*.md"))
    yield from sorted((root / "docs").rglob("*.md"))


def code_of(text: str) -> str:
    """Return what stands in fences and in backticks, one piece a line."""
    fenced = [body for _, body in FENCE.findall(text)]
    return "\n".join([*fenced, *SPAN.findall(FENCE.sub("", text))])


def yaml_blocks(text: str) -> list[str]:
    """Return the fenced YAML blocks that are whole catalogs."""
    return [body for kind, body in FENCE.findall(text) if kind == "yaml" and body.startswith("version:")]


def missing_files(root: Path) -> list[str]:
    """Every file that a document names in backticks or links to is there."""
    found = []
    for document in documents(root):
        text, name = document.read_text(encoding="utf-8"), document.relative_to(root)
        for path in sorted({match.group(1) for span in SPAN.findall(text) for match in FILE.finditer(span)}):
            # `YYYY-MM-DD-title.md` and the like name a shape, not a file.
            if "YYYY" not in path and not _there(root, path):
                found.append(f"{name}: there is no {path}")
        for target in LINK.findall(text):
            if "://" not in target and not target.startswith("#"):
                place = document.parent / target.partition("#")[0]
                if not place.exists():
                    found.append(f"{name}: links to {target}, which is not there")
    return found


def _there(root: Path, path: str) -> bool:
    if path.startswith(TOP):
        return (root / path).exists()
    # `durable/journal.py`, and `web/urls.py` for what rooms have.
    return (root / path).exists() or any((root / "src" / "bonanca").glob(f"**/{path}"))


def missing_modules(root: Path) -> list[str]:
    """Every dotted `bonanca.…` that a document names is a package, a module, or something that a module defines."""
    found = []
    for document in documents(root):
        names = set(MODULE.findall(code_of(document.read_text(encoding="utf-8"))))
        found += [f"{document.relative_to(root)}: there is no {name}" for name in sorted(names) if not _is(root, name)]
    return found


def _is(root: Path, dotted: str) -> bool:
    if dotted in ("bonanca.yaml", "bonanca.invalid"):
        return True
    place = root / "src"
    parts = dotted.split(".")
    for number, part in enumerate(parts):
        if (place / part).is_dir():
            place = place / part
        elif (place / f"{part}.py").is_file():
            return number == len(parts) - 1 or parts[number + 1] in _defined(place / f"{part}.py")
        else:
            return part in _defined(place / "__init__.py")
    return True


def _defined(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def unknown_commands(root: Path, commands: Collection[str]) -> list[str]:
    """Every `bonanca COMMAND` that a document writes is a command, with its second word where it has one."""
    groups = {name.split()[1] for name in commands if len(name.split()) == 3}
    # `bonanca backup self take`: of a group in a group the two words are told apart from a command that is not there.
    nested = {name.rpartition(" ")[0] for name in commands if len(name.split()) == 4}
    found = []
    for document in documents(root):
        for line in code_of(document.read_text(encoding="utf-8")).splitlines():
            for first, second in COMMAND.findall(line):
                known = f"bonanca {first}" in commands
                inner = f"bonanca {first} {second}" in commands or (first in groups and not second)
                inner = inner or f"bonanca {first} {second}" in nested
                if not known and not inner:
                    name = f"bonanca {first} {second}".rstrip()
                    found.append(f"{document.relative_to(root)}: there is no `{name}`")
    return found


def variables_read(root: Path) -> set[str]:
    """Return the names of our environment variables that the package reads or sets."""
    names: set[str] = set()
    for path in (root / "src").rglob("*.py"):
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value):
                names.add(node.value)
    return names


def variables_documented(page: str) -> set[str]:
    """Return the variables that have a row of their own in the page of settings."""
    return set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))
