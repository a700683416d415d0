"""The page docs/reference/commands.md, written from the commands themselves: `python -m bonanca.cli.reference`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from bonanca.cli.main import build

PAGE = Path("docs") / "reference" / "commands.md"
_HEAD = """# Commands

Written by `make reference` from the commands themselves; `bonanca COMMAND --help` says the same. Commands with `--json`
print one JSON document for machines. Exit codes: 0 done, 1 failed, 2 wrong input, 3 not found, 4 not allowed,
5 conflict, 6 unavailable at present.
"""


def commands(command: Any = None, name: str = "bonanca") -> Iterator[tuple[str, Any]]:
    """Yield every visible command (not groups) with its full name, in the order of the help."""
    command = typer.main.get_command(build()) if command is None else command
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for word, part in inner.items():
        if not part.hidden:
            yield from commands(part, f"{name} {word}")


def page() -> str:
    """Return the whole page as Markdown."""
    return _HEAD + "".join(_section(name, command) for name, command in commands())


def _section(name: str, command: Any) -> str:
    lines = [f"\n## `{name}`\n", inspect.cleandoc(command.help or ""), ""]
    for parameter in command.params:
        if getattr(parameter, "hidden", False) or parameter.name == "help":
            continue
        if parameter.param_type_name == "argument":
            shown = parameter.name.upper()
        else:
            shown = ", ".join([*parameter.opts, *parameter.secondary_opts])
        told = getattr(parameter, "help", None) or ""
        variable = f" (environment: `{parameter.envvar}`)" if parameter.envvar else ""
        lines.append(f"- `{shown}`: {told}{variable}")
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Write the page below the present folder."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
