"""`recovery.reapply_rows`: give set-aside rows back to the service through its own declared `replay` (Y7)."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.actuators.command.answers import APPLIED, CONFLICT, DUPLICATE, said
from bonanca.actuators.command.output import Bounded, lines_of
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ServiceView
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.registry import step
from bonanca.recovery.operations.record_outcomes import Outcome, finish_reapplication, record_outcomes, reopen
from bonanca.recovery.queries import get_set_aside, pending_rows
from bonanca.recovery.state import RowOutcome
from bonanca.recovery.steps.support import told, worker
from bonanca.recovery.views import SetAsideView
from bonanca.running.programs import run_program

# What a replay says is kept on our disk until the plan is over: a million answers, each of a reason's length.
MOST_ANSWERS = 512 * 1024 * 1024
MOST_ANSWER = 64 * 1024
_ANSWERS = {APPLIED: RowOutcome.APPLIED, DUPLICATE: RowOutcome.DUPLICATE, CONFLICT: RowOutcome.CONFLICT}


@step("recovery.reapply_rows")
class ReapplyRows:
    """Params: `service`, optional `set_aside_id` (default: the list that an earlier step made).

    The command reads lines {table, key, kind, row} on stdin and answers {key, outcome, reason} each (with the table,
    if it likes). Only rows without an answer are given, so a plan that is retried never repeats one; a row that was
    applied just before a kill is answered *duplicate* the next time. Conflicts do not fail the step: they are shown.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        found = self._list(ctx)
        return None if found is None or found.reapplied_at is None else _receipt(found)

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            found = self._list(ctx)
            if found is None:
                return {"skipped": _("Nothing was set aside.")}
            service = get_service(ctx.params["service"])
            with fenced(f"reapply:{found.id}", ctx.token):
                if pending_rows(found.id):
                    self._replay(ctx, service, found)
                return _receipt(finish_reapplication(found.id, actor=worker(), now=ctx.now()))

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        if "skipped" in receipt:
            return receipt
        # The database that took the rows is about to be swapped away, for one that has always had them.
        reopened = reopen(UUID(receipt["set_aside_id"]), actor=worker(), now=ctx.now())
        return {"set_aside_id": receipt["set_aside_id"], "reopened": reopened}

    def _list(self, ctx: StepContext) -> SetAsideView | None:
        given = ctx.params.get("set_aside_id") or next(
            (receipt["set_aside_id"] for receipt in ctx.receipts.values() if "set_aside_id" in receipt), None
        )
        return None if given is None else get_set_aside(UUID(given))

    def _replay(self, ctx: StepContext, service: ServiceView, found: SetAsideView) -> None:
        waiting = pending_rows(found.id)
        if not service.replay:
            reason = _("the service declares no replay")
            undecided = [Outcome(table, key, RowOutcome.DECISION, reason) for table, key in waiting]
            record_outcomes(found.id, undecided, now=ctx.now())
            return
        ctx.progress(None, _("%(count)d rows") % {"count": len(waiting)})
        answers_file = _answers_of(ctx, found)
        # What an interrupted attempt was told is believed first: those rows were answered.
        record_outcomes(found.id, _answers(answers_file), now=ctx.now())
        try:
            with tempfile.TemporaryFile(dir=answers_file.parent) as rows, _appending(answers_file) as answers:
                _write_rows(Path(found.file), set(pending_rows(found.id)), rows)
                room = max(0, MOST_ANSWERS - answers_file.stat().st_size)
                _carried_out(ctx, service, rows, Bounded(answers, room))
        finally:
            record_outcomes(found.id, _answers(answers_file), now=ctx.now())
        left = pending_rows(found.id)
        if left:
            raise StepFailed(
                _("The service's replay ended without an answer about %(count)d rows (first: %(table)s %(key)s).")
                % {"count": len(left), "table": left[0][0], "key": left[0][1]},
                hint=_("Correct the replay command, then retry the plan: only these rows are given to it."),
            )


def _carried_out(ctx: StepContext, service: ServiceView, rows: IO[bytes], answers: Bounded) -> None:
    """By the current release: what runs now knows how to take its rows back."""
    ended = run_program(
        service,
        service.replay,
        timeout_s=max(1.0, ctx.remaining_s()),
        input=rows,
        stdout=answers,
        watch=ctx.still_mine,
        token=ctx.token,
    )
    if not ended.ok:
        raise StepFailed(ended.problem, retryable=ended.retryable)


def _answers_of(ctx: StepContext, found: SetAsideView) -> Path:
    """The answers of this plan alone: what a person has applied again was answered before, and is asked anew."""
    own = "" if ctx.run_id == found.run_id else f".{ctx.run_id}"
    return Path(found.file).with_suffix(f"{own}.outcomes.jsonl")


def _write_rows(source: Path, wanted: set[tuple[str, str]], out: IO[bytes]) -> None:
    with source.open("rb") as lines:
        for line in lines:
            facts = json.loads(line)
            if (facts["table"], facts["key"]) in wanted:
                out.write(line)
    out.seek(0)


def _appending(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _answers(path: Path) -> Iterator[Outcome]:
    """The answers so far; lines that are no answer (a half one at a kill, a print of the command) say nothing."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines_of(lines, MOST_ANSWER):
            answer = said(line) if line else None
            if answer is not None and answer.key is not None:
                yield Outcome(answer.table, answer.key, _ANSWERS[answer.outcome], answer.reason)


def _receipt(found: SetAsideView) -> Receipt:
    shown = [{"table": row.table, "key": row.key, "reason": row.reason} for row in found.undecided[:20]]
    return {"set_aside_id": str(found.id), "counts": dict(found.counts), "undecided": shown}
