"""Reading restores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.durable import queries as durable
from bonanca.durable.errors import PlanNotFound
from bonanca.durable.plan import StepSpec
from bonanca.durable.state import UNFINISHED, RunState
from bonanca.kernel.errors import NotFound
from bonanca.recovery.models import Restore
from bonanca.recovery.state import RestoreMode, RestorePart, RestoreState
from bonanca.recovery.trees import targets_of
from bonanca.recovery.verdicts import from_json, in_order
from bonanca.recovery.views import RestoreView

RETRIED_FOR = timedelta(hours=24)


class RestoreNotFound(NotFound):
    """There is no such restore."""


def get_restore(restore_id: UUID) -> RestoreView:
    """Raises RestoreNotFound."""
    row = Restore.objects.filter(pk=restore_id).first()
    if row is None:
        raise RestoreNotFound(_("There is no restore %(id)s.") % {"id": restore_id})
    return _view(row)


def list_restores(service: str, *, limit: int = 20) -> tuple[RestoreView, ...]:
    """The service's restores, newest first."""
    return tuple(_view(row) for row in Restore.objects.filter(service=service).order_by("-proposed_at")[:limit])


def restores_in_work() -> set[str]:
    """Ids of restores and plans that have not ended: their files are somebody's."""
    started = Restore.objects.exclude(run_id=None).order_by("-started_at")[:100]
    unfinished = {run.id for run in durable.list_runs(states=sorted(UNFINISHED), limit=1000)}
    # A rollback that restores a backup works in a folder of its run's name.
    return {str(row.id) for row in started if row.run_id in unfinished} | {str(run_id) for run_id in unfinished}


@dataclass(frozen=True)
class EndedFiles:
    """What a plan that is over wrote beside. `new`: what it restored, by target, if it came so far."""

    service: str
    run_id: UUID
    mark: str
    targets: tuple[Path, ...]
    new: tuple[tuple[int, int], ...]


def ended_restores_of_files(now: datetime) -> tuple[EndedFiles, ...]:
    """Restores of files that no plan goes on with any more."""
    found = []
    rows = Restore.objects.exclude(part=RestorePart.DATABASE).exclude(run_id=None).order_by("-started_at")
    for row in rows[:50]:
        assert row.run_id is not None
        try:
            run, undo = durable.get_run(row.run_id), durable.undo_of(row.run_id)
        except PlanNotFound:
            continue
        # One that failed may be retried from the step that did; nobody does so for ever.
        over = run.state in (RunState.SUCCEEDED, RunState.CANCELLED) or now - run.created_at > RETRIED_FOR
        if run.finished and over and (undo is None or undo.finished):
            params = next(iter(row.spec["steps"]))["params"]
            targets = targets_of([Path(path) for path in params["paths"]], row.folder)
            receipts = [step.receipt or {} for step in run.steps]
            staged = next((receipt["staged"] for receipt in receipts if "staged" in receipt), ())
            new = tuple((one["ident"][0], one["ident"][1]) for one in staged)
            found.append(EndedFiles(row.service, row.run_id, row.run_id.hex[-12:], tuple(targets), new))
    return tuple(found)


def _view(row: Restore) -> RestoreView:
    run = undo = None
    if row.run_id is not None:
        try:
            run, undo = durable.get_run(row.run_id), durable.undo_of(row.run_id)
        except PlanNotFound:
            run = None  # old plans are cleared away; the restore's own record stays
    return RestoreView(
        id=row.id,
        service=row.service,
        backup_id=row.backup_id,
        target_kind=row.target_kind,
        target_value=row.target_value,
        mode=RestoreMode(row.mode),
        database=row.database,
        state=RestoreState(row.state),
        verdict=in_order(from_json(found) for found in row.verdict),
        steps=tuple(StepSpec(**step) for step in row.spec.get("steps", ())),
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        expires_at=row.expires_at,
        started_by=row.started_by,
        started_at=row.started_at,
        run_id=row.run_id,
        outcome=run.state if run else None,
        finished_at=run.finished_at if run else None,
        error=run.error if run else "",
        undo_run_id=undo.id if undo else None,
        part=RestorePart(row.part),
        folder=row.folder,
        receipts={step.key: step.receipt for step in run.steps if step.receipt is not None} if run else {},
    )
