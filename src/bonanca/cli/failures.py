"""From what went wrong to one line for a person (or one object for a machine) and an exit code."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

import typer

from bonanca.kernel.errors import EXIT_CODE, BonancaError, Unavailable


@dataclass(frozen=True)
class Failure:
    """What is said about an expected failure."""

    message: str
    code: str
    exit_code: int
    hint: str | None = None
    field: str | None = None


def as_failure(problem: Exception) -> Failure | None:
    """Return how to tell an expected failure, or None when the exception is a defect of ours."""
    if isinstance(problem, BonancaError):
        return Failure(problem.message, problem.code, EXIT_CODE.get(problem.code, 1), problem.hint, problem.field)
    return _usage_failure(problem) or _database_failure(problem) or _file_failure(problem)


def _usage_failure(problem: Exception) -> Failure | None:
    # Typer carries click inside itself in some versions and beside itself in others; the shape is the same.
    told, exit_code = getattr(problem, "format_message", None), getattr(problem, "exit_code", None)
    if not callable(told) or not isinstance(exit_code, int):
        return None
    context = getattr(problem, "ctx", None)
    hint = f"See `{context.command_path} --help`." if context is not None else None
    return Failure(str(told()), "invalid", exit_code, hint)


def _database_failure(problem: Exception) -> Failure | None:
    # Only a process that has loaded a database library can have failed in it: nothing is imported for this.
    kinds = {f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in type(problem).__mro__}
    text = str(problem).strip()
    unavailable = EXIT_CODE[Unavailable.code]
    missing = "does not exist" in text and ("relation" in text or "column" in text)
    if missing and kinds & {"django.ProgrammingError", "psycopg.ProgrammingError"}:
        return Failure(
            f"The database has not been prepared for this version: {text.splitlines()[0]}",
            Unavailable.code,
            unavailable,
            "Run `bonanca migrate`.",
        )
    if kinds & {"django.OperationalError", "django.InterfaceError", "psycopg.OperationalError"}:
        return Failure(
            f"The database does not answer: {text.splitlines()[0] if text else type(problem).__name__}",
            Unavailable.code,
            unavailable,
            "Is `bonanca up` running? Is DATABASE_URL right? `bonanca doctor` looks closer.",
        )
    return None


def _file_failure(problem: Exception) -> Failure | None:
    if isinstance(problem, OSError) and problem.filename is not None:
        return Failure(f"{problem.filename}: {problem.strerror}", "invalid", 2)
    return None


def show_failure(failure: Failure, *, as_json: bool, where: str | None = None) -> int:
    """Print the failure on stderr and return its exit code; `where` names the option that was refused."""
    if not failure.message:
        return failure.exit_code  # the help was printed instead
    if as_json:
        said = {"code": failure.code, "message": failure.message, "field": failure.field, "hint": failure.hint}
        typer.echo(json.dumps({"error": said}, ensure_ascii=False), err=True)
        return failure.exit_code
    label = typer.style("error:", fg="red", bold=True) if sys.stderr.isatty() else "error:"
    place = f" ({where})" if where and where not in failure.message else ""
    typer.echo(f"{label} {failure.message}{place}", err=True)
    if failure.hint:
        typer.echo(f"       {failure.hint}", err=True)
    return failure.exit_code
