"""Restores of folders and files as steps: `recovery.files_load`, `recovery.files_place`.

Params of both: those of `recovery.restore_…`, and `paths` (what the backup took), `folder` ("": in the place of them).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.actuators.files.tree_swap import (
    NotSwappable,
    ident,
    put_new,
    remove_tree,
    set_aside,
    swap_in,
    tidy_side,
)
from bonanca.catalog.queries import get_service
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import NotUndoable, StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.registry import step
from bonanca.recovery.bundle import FilesReader
from bonanca.recovery.engines import Opening, Target
from bonanca.recovery.engines.files import open_files
from bonanca.recovery.judging import identities_for
from bonanca.recovery.operations.keep_files import note_kept, note_returned
from bonanca.recovery.queries import get_backup
from bonanca.recovery.scratch import compare_files
from bonanca.recovery.sealing import disk_full_named
from bonanca.recovery.steps.support import identity_file_of, mark_of, reporting, told
from bonanca.recovery.steps.workspace import workspace
from bonanca.recovery.trees import kept_of, names_beside, remove_staging, remove_unplaced, staging_of, targets_of


@step("recovery.files_load")
class FilesLoad:
    """Write the backup's files beside where they are to go, closed, and compare every one. Undo removes them."""

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        paths, beside = _paths(ctx), ctx.params["folder"]
        mark, targets = mark_of(ctx.run_id), targets_of(paths, beside)
        with _told(), fenced(_resource(ctx), ctx.token):  # never of a worker that has the plan by now
            for target in targets:
                remove_staging(target, mark)
        with _told(), workspace(ctx) as folder:
            service, backup = get_service(ctx.params["service"]), get_backup(UUID(ctx.params["backup_id"]))
            staged = [staging_of(target, mark, ctx.token.epoch, number) for number, target in enumerate(targets)]
            if beside:
                staged[0].mkdir(mode=0o700)
                inner = [staged[0] / name for name in names_beside(paths)]
            else:
                inner = staged
            say, size = reporting(ctx), max(1, (backup.files or {"bytes": 0})["bytes"])
            opening = Opening(
                service,
                backup,
                Target(),
                folder,
                identities_for(service, identity_file_of(ctx), engine=backup.engine),
                say,
            )

            def watch(done: int) -> None:
                text = _("%(megabytes).1f MB restored") % {"megabytes": done / 1e6}
                say(0.3 + 0.65 * min(1.0, done / size), text)

            reader = FilesReader(dict(enumerate(inner)), watch)
            with disk_full_named(staged[0]):
                open_files(opening, reader)
            found = compare_files(backup, reader)
            point("recovery.files_load.loaded")
            return {
                "mark": mark,
                "staged": [_staged(path, target) for path, target in zip(staged, targets, strict=True)],
                **found,
                "places": opening.places,
                "phases": opening.seconds,
            }

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        with _told(), fenced(_resource(ctx), ctx.token):
            # Of several paths some may have been put in place before the plan ended.
            mark = receipt["mark"]
            returned = _take_back(ctx, [_placed(one, n, mark) for n, one in _numbered(receipt)], mark)
            for number, one in _numbered(receipt):
                remove_tree(Path(one["path"]))
                remove_unplaced(Path(one["target"]), mark, number, _ident(one["ident"]))
                tidy_side(Path(one["target"]))
        return {"removed": [one["path"] for one in receipt["staged"]], "returned": returned}


@step("recovery.files_place")
class FilesPlace:
    """Put the restored paths where they belong, each in one step; what was there is kept. Undo puts that back."""

    def check(self, ctx: StepContext) -> Receipt | None:
        loaded = _loaded(ctx)
        if loaded is None or any(ident(Path(one["target"])) != _ident(one["ident"]) for one in loaded["staged"]):
            return None
        with _told():
            return self._place(ctx, loaded)

    def apply(self, ctx: StepContext) -> Receipt:
        loaded = _loaded(ctx)
        if loaded is None:
            raise StepFailed(_("No earlier step of this plan restored files."))
        with _told():
            return self._place(ctx, loaded)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        with _told(), fenced(_resource(ctx), ctx.token):
            return {"returned": _take_back(ctx, receipt["placed"], receipt["mark"])}

    def _place(self, ctx: StepContext, loaded: Receipt) -> Receipt:
        placed = []
        with fenced(_resource(ctx), ctx.token):
            for number, one in _numbered(loaded):
                target, staged, new = Path(one["target"]), Path(one["path"]), _ident(one["ident"])
                ctx.progress(None, str(target))
                if ctx.params["folder"]:
                    put_new(target, staged, new=new)
                else:
                    swap_in(target, staged, kept_of(target, loaded["mark"], number), new=new)
                point("recovery.files_place.placed")
                placed.append(_placed(one, number, loaded["mark"]))
                tidy_side(target)
        note_kept(ctx.params["service"], placed, "kept", loaded["mark"], ctx.run_id, now=ctx.now())
        return {"placed": placed, "mark": loaded["mark"]}


def _take_back(ctx: StepContext, placed: list[dict[str, Any]], mark: str) -> list[str]:
    """Put back what is kept wherever what was restored still is; asked again, it finds nothing more to do."""
    returned: list[str] = []
    for number, one in enumerate(placed):
        target, kept, new = Path(one["target"]), Path(one["kept"]), _ident(one["new"])
        there = [ident(kept), ident(kept_of(target, mark, number, "undone"))]
        if ident(target) == new and one["before"] and _ident(one["before"]) not in there:
            raise NotUndoable(_("What was kept at %(path)s is gone.") % {"path": kept})
    undone_ones = []
    for number, one in enumerate(placed):
        target, kept, new = Path(one["target"]), Path(one["kept"]), _ident(one["new"])
        # Named by the plan that is undone: an undo after one that was cancelled finds what that one left.
        undone = kept_of(target, mark, number, "undone")
        before = _ident(one["before"]) if one["before"] else None
        if before is not None and (ident(target) == new or (ident(target) == before and ident(kept) == new)):
            swap_in(target, kept, undone, new=before)
            returned.append(str(target))
        elif before is None and ident(target) == new:
            undone.parent.mkdir(mode=0o700, exist_ok=True)
            set_aside(target, undone, which=new)
            returned.append(str(target))
        undone_ones.append({"target": one["target"], "kept": str(undone)})
    now = ctx.now()
    note_returned(ctx.params["service"], [one["kept"] for one in placed], now=now)
    note_kept(ctx.params["service"], undone_ones, "undone", mark, ctx.run_id, now=now)
    return returned


@contextmanager
def _told() -> Iterator[None]:
    """As `told`, and what the system says in its own words."""
    with told():
        try:
            yield
        except NotSwappable:
            raise
        except OSError as problem:
            raise StepFailed(f"{problem.filename or ''}: {problem.strerror}", retryable=True) from problem


def _staged(path: Path, target: Path) -> dict[str, Any]:
    return {"path": str(path), "target": str(target), "ident": list(ident(path) or ())}


def _placed(one: dict[str, Any], number: int, mark: str) -> dict[str, Any]:
    """What lies where now: `before` is what is kept, nothing where there was nothing."""
    target, new = Path(one["target"]), _ident(one["ident"])
    kept = kept_of(target, mark, number)
    if ident(kept) is None and ident(Path(one["path"])) not in (None, new):
        kept = Path(one["path"])  # an earlier release exchanged them, and the plan ended before it was moved on
    # Not what is on its way to its place, or from it.
    found = [ident(kept), ident(kept_of(target, mark, number, "undone"))]
    before = next((there for there in found if there not in (None, new)), None)
    return {"target": one["target"], "kept": str(kept), "new": one["ident"], "before": list(before) if before else None}


def _numbered(receipt: Receipt) -> Iterator[tuple[int, dict[str, Any]]]:
    return iter(enumerate(receipt["staged"]))


def _loaded(ctx: StepContext) -> Receipt | None:
    return next((receipt for receipt in ctx.receipts.values() if "staged" in receipt), None)


def _paths(ctx: StepContext) -> list[Path]:
    return [Path(path) for path in ctx.params["paths"]]


def _resource(ctx: StepContext) -> str:
    return f"trees:{ctx.params['service']}"


def _ident(pair: list[int]) -> tuple[int, int]:
    return pair[0], pair[1]
