"""The rules of the house that import-linter cannot say. No Django: files are read, never imported.

Each rule takes the root of a tree and returns what breaks it, one line each (`path:line: what`), so that its own test
can show it a tree that does.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

FILE_LINES, FUNCTION_LINES, MODEL_METHODS = 400, 60, 15
FORBIDDEN_NAMES = {"utils.py", "services.py"}
# What another room may import of a room, beside the building's own floors, which are libraries. `state` holds the words
# (choices) that events and views speak in, `views` the frozen values that queries return: neither reaches a table.
DOORS = {"operations", "queries", "events", "state", "views"}
# Doors that a room has beside the usual ones: the typed bonanca.yaml, the place where gates are hung up, and how a
# service is asked from outside and its own commands are run.
EXTRA_DOORS = {"catalog": {"spec"}, "delivery": {"gates"}, "response": {"verification"}}
FLOORS = {"kernel", "ui", "access", "outbox", "durable", "actuators", "running", "config", "cli"}
# Kept apart so that this file does not break its own rule.
REGISTRY_HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "registry.npm" + "js.com",
    "index.docker" + ".io",
)


def python_files(root: Path) -> Iterator[Path]:
    """Yield the Python files of our own code below root: rooms, tests, examples."""
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        if not any(part in {".venv", "build", "node_modules", "__pycache__"} or part.startswith(".") for part in parts):
            yield path


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def long_files(root: Path) -> list[str]:
    """A file has at most 400 lines; migrations are written by a machine."""
    found = []
    for path in python_files(root):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES and "migrations" not in path.parts:
            found.append(f"{path.relative_to(root)}:{lines}: more than {FILE_LINES} lines")
    return found


def long_functions(root: Path) -> list[str]:
    """A function has at most 60 lines, decorators and docstring included."""
    found = []
    for path in python_files(root):
        if "migrations" in path.parts:
            continue
        for node in ast.walk(_tree(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            length = (node.end_lineno or node.lineno) - first + 1
            if length > FUNCTION_LINES:
                found.append(f"{path.relative_to(root)}:{node.lineno}: {node.name} has {length} lines")
    return found


def fat_models(root: Path) -> list[str]:
    """A model has at most 15 methods: verbs belong to operations, questions to queries."""
    found = []
    for path in python_files(root):
        if path.name != "models.py" and path.parent.name != "models":
            continue
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef):
                methods = [item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
                if len(methods) > MODEL_METHODS:
                    found.append(f"{path.relative_to(root)}:{node.lineno}: {node.name} has {len(methods)} methods")
    return found


def nameless_drawers(root: Path) -> list[str]:
    """No utils.py and no services.py: such a file has no subject, so it grows for ever."""
    return [
        f"{path.relative_to(root)}: name it by its subject"
        for path in python_files(root)
        if path.name in FORBIDDEN_NAMES
    ]


def django_signals(root: Path) -> list[str]:
    """No Django signals: consequences are listed in reactions/, where they can be read and retried."""
    found = []
    for path in python_files(root):
        for node in ast.walk(_tree(path)):
            for module, line in _imported(node):
                if re.match(r"django(\.\w+)*\.(dispatch|signals)(\.|$)", module):
                    found.append(f"{path.relative_to(root)}:{line}: imports {module}")
    return found


def _imported(node: ast.AST) -> list[tuple[str, int]]:
    """Return the dotted names that an import statement names, `from a.b import c` as a.b.c."""
    if isinstance(node, ast.Import):
        return [(alias.name, node.lineno) for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
        return [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return []


def _room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "bonanca" and len(parts) > 1 else None


def rooms_entered_by_the_window(root: Path) -> list[str]:
    """Another room's models are never imported; of a domain room only its doors are.

    `root` is the folder that holds the package `bonanca`. Tests of a room may look where they need.
    """
    found = []
    for path in python_files(root):
        here = path.relative_to(root).parts
        if here[0] != "bonanca" or len(here) < 3 or "tests" in here or "migrations" in here:
            continue
        for node in ast.walk(_tree(path)):
            for module, line in _imported(node):
                there = _room(module)
                if there is None or there == here[1] or len(module.split(".")) < 3:
                    continue
                inner = module.split(".")[2]
                where = f"{path.relative_to(root)}:{line}"
                if inner == "models" or ".models." in f"{module}.":
                    found.append(f"{where}: imports the models of {there} ({module})")
                elif there not in FLOORS and inner not in DOORS | EXTRA_DOORS.get(there, set()):
                    found.append(f"{where}: imports {module}, which is not a door of {there}")
    return found


def registry_hosts(root: Path) -> list[str]:
    """No tracked file names a package registry's host: where packages come from is the machine's business."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout
    found = []
    for name in filter(None, listed.decode().split("\0")):
        path = root / name
        if not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", errors="replace").lower()
        found += [f"{name}: names {host}" for host in REGISTRY_HOSTS if host in text]
    return found


def unlocked_dependencies(root: Path) -> list[str]:
    """Every dependency that pyproject.toml declares is pinned in the lock that installs it (`make lock`)."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras: dict[str, list[str]] = project.get("optional-dependencies", {})
    wanted = {
        "requirements.lock": [*project.get("dependencies", []), *extras.get("demo", []), *extras.get("gateway", [])],
        "requirements-dev.lock": [
            *project.get("dependencies", []),
            *(name for group in extras.values() for name in group),
        ],
    }
    found = []
    for lock, requirements in wanted.items():
        pinned = set(re.findall(r"^([a-z0-9.-]+)==", (root / lock).read_text(encoding="utf-8"), re.MULTILINE))
        names = {re.split(r"[\[<>=!~; ]", requirement)[0] for requirement in requirements}
        missing = {_normal(name) for name in names} - {_normal(name) for name in pinned} - {project["name"]}
        found += [f"{lock}: {name} is not pinned" for name in sorted(missing)]
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def rooms_without_rules(root: Path) -> list[str]:
    """Every room stands in both contracts of .importlinter, so that a new one cannot be forgotten."""
    rules = (root / ".importlinter").read_text(encoding="utf-8")
    rows, _, inside = rules.partition("[importlinter:contract:inside]")
    found = []
    for room in sorted(path.parent.name for path in (root / "src" / "bonanca").glob("*/__init__.py")):
        if not re.search(rf"^[^#\n]*\b{room}\b", rows, re.MULTILINE):
            found.append(f"{room} has no row in the arrows")
        layered = (root / "src" / "bonanca" / room / "operations").is_dir()
        if layered and f"bonanca.{room}\n" not in inside:
            found.append(f"{room} has operations and is not held to the layers inside a room")
    return found


def undocumented_commands(commands: list[str], reference: str) -> list[str]:
    """Every command is named in the reference page as `bonanca NAME`."""
    return [f"{command} is not in the reference" for command in commands if f"`{command}" not in reference]
