"""How every command speaks: tables for people, one JSON document with `--json`, progress on a terminal only.

Only typer at the top: a command starts fast, pays for rich when it draws, and never loads Django here.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

if TYPE_CHECKING:
    from rich.console import Console

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PIPE_WIDTH = 1000
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]


def console(*, stderr: bool = False) -> Console:
    """Return a console on the stream that is current now (tests replace them)."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    if stream.isatty():
        return Console(file=stream, highlight=False)
    # Nobody reads a pipe by its width, and programs expect a row on a line.
    return Console(file=stream, highlight=False, soft_wrap=True, width=_PIPE_WIDTH)


def say(text: str) -> None:
    """Print a line of result for people; rich markup is read."""
    console().print(text)


def note(text: str) -> None:
    """Print a line beside the result (progress, advice): on stderr, so that pipes get results only."""
    console(stderr=True).print(text)


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: views become objects, ids and moments become text.

    A field whose metadata has `shown` is shown as that function makes it: it may hold secrets.

    Raises:
        TypeError: it holds something that has no agreed form.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(_shown(value, field)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _shown(value: Any, field: dataclasses.Field[Any]) -> Any:
    held, shown = getattr(value, field.name), field.metadata.get("shown")
    return held if shown is None else shown(held)


def print_json(value: Any) -> None:
    """Print `value` (frozen dataclasses allowed) as one JSON document."""
    typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def emit(value: Any, *, as_json: bool, show: Callable[[], None]) -> None:
    """Print `value` as JSON, or call `show`, which prints it for people. The usual last line of a command."""
    if as_json:
        print_json(value)
    else:
        show()


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table; cells are shown as they are (no markup). Ids are never cut: people copy them."""
    from rich.table import Table

    shown = Table(title=title, box=None, pad_edge=False, header_style="bold", title_justify="left")
    cells = [[_cell(cell) for cell in row] for row in rows]
    for place, column in enumerate(columns):
        ids = any(_ID.fullmatch(row[place]) for row in cells)
        shown.add_column(column, min_width=36 if ids else None, overflow="fold")
    for row in cells:
        shown.add_row(*row)
    console().print(shown)


def _cell(cell: object) -> str:
    from rich.markup import escape

    return "" if cell is None else escape(str(cell))


@contextmanager
def progress(title: str) -> Iterator[Callable[[float | None, str], None]]:
    """Show long work as it goes: call the yielded function with a share (0..1, None when unknown) and a text.

    Without a terminal each new text becomes one line, so that logs stay readable.
    """
    err = console(stderr=True)
    if not err.is_terminal:
        last = ""

        def line(_: float | None, text: str) -> None:
            nonlocal last
            if text != last:
                typer.echo(f"{title}: {text}", err=True)
                last = text

        yield line
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=err, transient=True
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda share, text: bar.update(
            task, description=f"{title}: {text}", total=1.0 if share is not None else None, completed=share or 0.0
        )
