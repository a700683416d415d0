"""What can go wrong in a step, in words that the interpreter understands."""

from __future__ import annotations

from collections.abc import Callable

from bonanca.kernel.errors import BonancaError, Conflict, NotFound
from bonanca.ui.phrases import Phrase


class PlanNotFound(NotFound):
    """There is no such plan."""


class Fenced(Conflict):
    """This worker no longer holds the plan: another one took it over with a newer epoch. Stop; change nothing."""


class StepStopped(Fenced):
    """The plan was cancelled, or the step's time is over, while the step ran. Stop at the next safe place."""


class StepFailed(BonancaError):
    """A step could not be brought into effect.

    ``retryable`` says whether the same call may succeed in a moment; ``hint`` is the next sensible move for a person.
    """

    code = "step_failed"

    def __init__(
        self, message: str, *, retryable: bool = False, hint: str | None = None, field: str | None = None
    ) -> None:
        super().__init__(message, field=field, hint=hint)
        self.retryable = retryable


class StepWaits(BonancaError):
    """The step waits for people: its plan is held there, seen by all and bound to no worker, until `go_on` is called.

    ``over`` is asked once more while the plan is locked, so that an answer that comes in that moment is not missed;
    it may only read. ``path`` is the page where people answer.
    """

    code = "step_waits"

    def __init__(self, words: Phrase, *, path: str, over: Callable[[], bool]) -> None:
        super().__init__(str(words))
        self.words, self.path, self.over = words, path, over


class NotUndoable(Conflict):
    """What this step did cannot be taken back."""


class NotUndoableNow(Conflict):
    """The plan has not ended, did nothing, or the undo has been started and failed."""


class KeyTaken(Conflict):
    """Another plan was started under this key."""


class SubjectBusy(Conflict):
    """Another plan of the same subject waits, runs or is paused, and only one may."""
