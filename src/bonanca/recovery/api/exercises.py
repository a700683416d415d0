"""The resume-everything procedure, its exercises and Bonança's own backups over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Schema

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.recovery.api.router import router
from bonanca.recovery.operations.finish_exercise import finish_exercise
from bonanca.recovery.operations.start_exercise import start_exercise
from bonanca.recovery.operations.tick_step import begin_step, tick_step
from bonanca.recovery.queries.exercises import get_exercise, list_exercises
from bonanca.recovery.queries.own import own_backups
from bonanca.recovery.queries.procedure import procedure as made


class ProcedureStepOut(Schema):
    number: int
    service: str
    words: str
    restorable: bool
    expected_s: float | None
    commands: list[str]
    checks: list[str]


class ProcedureOut(Schema):
    made_at: datetime
    digest: str
    expected_s: float
    steps: list[ProcedureStepOut]


class ExerciseStepOut(Schema):
    number: int
    service: str
    title: str
    automatic: bool
    expected_s: float | None
    state: str
    begun_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    note: str
    run_id: UUID | None
    drill_id: UUID | None


class ExerciseOut(Schema):
    id: UUID
    state: str
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    finished_by: str
    note: str
    steps: list[ExerciseStepOut]


class OwnBackupOut(Schema):
    id: UUID
    state: str
    started_at: datetime
    object_name: str
    size_bytes: int
    sha256: str
    rows: int
    places: list[tuple[str, bool, str]]
    verified_at: datetime | None
    restore_seconds: float | None
    error: str


class TickIn(Schema):
    outcome: Literal["done", "failed", "skipped"]
    note: str = ""


class FinishIn(Schema):
    note: str = ""
    abandon: bool = False


@router.get("procedure", response=ProcedureOut)
def procedure(request: HttpRequest) -> object:
    """Return how everything is resumed, in dependency order; no secrets are in it."""
    require(caller(request), Permission.READ)
    return made(utc_now())


@router.get("own-backups", response=list[OwnBackupOut])
def own(request: HttpRequest) -> Any:
    """Return the backups of Bonança's own database, newest first."""
    require(caller(request), Permission.READ)
    return list(own_backups())


@router.get("exercises", response=list[ExerciseOut])
def exercises(request: HttpRequest) -> object:
    """Return walks through the procedure, newest first."""
    require(caller(request), Permission.READ)
    return list(list_exercises())


@router.post("exercises", response={201: ExerciseOut})
def start(request: HttpRequest) -> object:
    """Freeze the procedure as it is now and begin to walk through it."""
    return start_exercise(actor=caller(request), now=utc_now())


@router.get("exercises/{uuid:exercise_id}", response=ExerciseOut)
def show(request: HttpRequest, exercise_id: UUID) -> object:
    """Return one exercise with its steps."""
    require(caller(request), Permission.READ)
    return get_exercise(exercise_id)


@router.post("exercises/{uuid:exercise_id}/steps/{int:number}/begin", response=ExerciseOut)
def begin(request: HttpRequest, exercise_id: UUID, number: int) -> object:
    """Begin a step; a restorable one is restored into a scratch server by a worker."""
    return begin_step(exercise_id=exercise_id, number=number, actor=caller(request), now=utc_now())


@router.post("exercises/{uuid:exercise_id}/steps/{int:number}/tick", response=ExerciseOut)
def tick(request: HttpRequest, exercise_id: UUID, number: int, data: TickIn) -> object:
    """Say what became of a step."""
    return tick_step(
        exercise_id=exercise_id,
        number=number,
        outcome=data.outcome,
        note=data.note,
        actor=caller(request),
        now=utc_now(),
    )


@router.post("exercises/{uuid:exercise_id}/finish", response=ExerciseOut)
def finish(request: HttpRequest, exercise_id: UUID, data: FinishIn) -> object:
    """End the exercise: passed, failed, or abandoned with a reason."""
    return finish_exercise(
        exercise_id=exercise_id, note=data.note, abandon=data.abandon, actor=caller(request), now=utc_now()
    )
