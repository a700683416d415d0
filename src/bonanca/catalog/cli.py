"""`bonanca diff` and `bonanca apply`: configuration as code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bonanca.catalog.diffs import CatalogDiff, Change

File = Annotated[Path, typer.Argument(help="A YAML file, or a directory of *.yaml files.", show_default=False)]
Prune = Annotated[bool, typer.Option("--prune", help="Also remove services and teams that FILE does not declare.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

SIGNS = {"add": "+", "change": "~", "remove": "-", "leave": "·"}


def register(root: typer.Typer) -> None:
    """Add this room's commands to `bonanca`."""
    root.command("diff", rich_help_panel="Set up")(diff)
    root.command("apply", rich_help_panel="Set up")(apply)


def diff(file: File, prune: Prune = False, as_json: AsJson = False) -> None:
    """Show what `bonanca apply FILE` would change. Exit: 0 nothing, 1 something, 2 the file has mistakes."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.catalog.diffs import compare
    from bonanca.catalog.documents.load import load_catalog

    found = compare(load_catalog(file), prune=prune)
    _print(found, as_json, nothing=f"{file}: nothing would change")
    raise typer.Exit(1 if found.pending else 0)


def apply(file: File, prune: Prune = False, as_json: AsJson = False) -> None:
    """Make teams, people, services and routes what FILE declares. All or nothing; again changes nothing.

    Exit: 0 done, 2 the file has mistakes (each told with its line) and nothing was changed.
    """
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.catalog.documents.load import load_catalog
    from bonanca.catalog.operations.apply_catalog import apply_catalog
    from bonanca.kernel.clock import utc_now

    catalog = load_catalog(file)
    done = apply_catalog(catalog, source=str(file), actor=local_operator(), now=utc_now(), prune=prune)
    _print(done, as_json, nothing=f"{file}: nothing to change, everything is as declared")


def as_data(diff: CatalogDiff) -> dict[str, object]:
    """The diff as JSON: `changed`, and `changes` with action, kind, name and fields."""
    return {
        "changed": bool(diff.pending),
        "changes": [
            {
                "action": change.action,
                "kind": change.kind,
                "name": change.name,
                "fields": [field.__dict__ for field in change.fields],
            }
            for change in diff.changes
        ],
    }


def _print(diff: CatalogDiff, as_json: bool, nothing: str) -> None:
    if as_json:
        typer.echo(json.dumps(as_data(diff), ensure_ascii=False))
        return
    for change in diff.changes:
        typer.echo("\n".join(lines_of(change)))
    if not diff.pending:
        typer.echo(nothing)
        return
    counts = [f"{len([c for c in diff.changes if c.action == action])} {word}" for action, word in WORDS.items()]
    typer.echo(", ".join(counts))


WORDS = {"add": "added", "change": "changed", "remove": "removed"}


def lines_of(change: Change) -> list[str]:
    """One change for a reader: a line for the thing, one for each field."""
    note = "  (not in this file; --prune would remove it)" if change.action == "leave" else ""
    lines = [f"{SIGNS[change.action]} {change.kind} {change.name}{note}"]
    for field in change.fields:
        if field.before is None:
            lines.append(f"    {field.path}: {field.after}")
        else:
            after = "(gone)" if field.after is None else field.after
            lines.append(f"    {field.path}: {field.before} → {after}")
    return lines
