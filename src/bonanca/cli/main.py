"""The `bonanca` command: put together from what each room offers, with errors mapped in one place.

Nothing here imports Django: `bonanca --help` must be quick, and a machine without a database must get help too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from bonanca.cli import doctor, maintenance, up, web, worker
from bonanca.cli.failures import as_failure, show_failure

HELP = """Carry a product team through the whole life of a failure.

[bold]bonanca up[/bold] runs everything on this machine; [bold]bonanca demo[/bold] shows a whole storm;
[bold]bonanca apply FILE[/bold] tells it about your services.

BONANCA_HOME names the directory that holds the data; DATABASE_URL a PostgreSQL of your own.
Exit codes: 0 done, 1 failed, 2 wrong input, 3 not found, 4 not allowed, 5 conflict, 6 unavailable at present.
"""


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"bonanca {version('bonanca')}")
        raise typer.Exit


def build() -> typer.Typer:
    """Return the whole command: our own parts, then what each room offers: an `app`, or `register(root)`, or both."""
    root = typer.Typer(
        name="bonanca",
        help=HELP,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        add_completion=False,
    )

    @root.callback()
    def bonanca(
        version: Annotated[
            bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
        ] = False,
    ) -> None: ...

    for own in (up, web, worker, maintenance, doctor):
        own.register(root)
    for name in room_commands():
        module = import_module(name)
        if hasattr(module, "app"):
            root.add_typer(module.app, name=module.CLI_NAME, rich_help_panel=module.CLI_PANEL)
        if hasattr(module, "register"):
            module.register(root)
    return root


def room_commands() -> list[str]:
    """Return the module names of the rooms' command files (`cli.py`, or those in `cli/`), in a stable order."""
    base = Path(__file__).parent.parent
    patterns = ("*/cli.py", "*/cli/[!_]*.py", "actuators/*/cli.py", "cli/demo/cli.py")
    files = sorted(file for pattern in patterns for file in base.glob(pattern))
    return [".".join(("bonanca", *file.relative_to(base).with_suffix("").parts)) for file in files]


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; what was refused is said in one line, without a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = typer.main.get_command(build())
    try:
        outcome = command.main(given, prog_name="bonanca", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # Whoever read our output (head, less) has seen enough.
        sys.stderr.close()
        return 141
    except Exception as problem:
        failure = as_failure(problem)
        if failure is None:
            raise  # a defect of ours: its traceback is what a report needs
        return show_failure(failure, as_json="--json" in given, where=_named(command, given, failure.field))
    return outcome if isinstance(outcome, int) else 0


def _named(command: Any, given: Sequence[str], field: str | None) -> str | None:
    """Return what the command line calls a field that was refused (`--reason`); None when it has no name there."""
    for word in given:
        command = getattr(command, "commands", {}).get(word, command)
    for parameter in command.params:
        if parameter.name == field and parameter.param_type_name == "option":
            return str(max(parameter.opts, key=len))
    return None


def main() -> None:
    """The entry point of the `bonanca` script."""
    sys.exit(run())


if __name__ == "__main__":
    main()
