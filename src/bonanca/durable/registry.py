"""Which class carries out which kind of step. Rooms register theirs in ``<room>/steps.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from django.utils.translation import gettext as _

from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed


class StepHandler(Protocol):
    """Stateless. Any worker may call any method again after any crash, so each must bear repetition.

    A worker that was stopped and continued may be inside ``apply`` while its successor calls it too. So the effect
    on anything outside belongs inside ``durable.fence.fenced`` (or the target's own fence with ``ctx.token``), and
    what must happen once is looked up *again inside the fence*. A handler that can never be undone says
    ``undoable = False``; one that a plan may not go on without says why: ``unskippable = gettext_noop("…")``.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        """The receipt when the step is in effect already (``apply`` is then not called), else None."""

    def apply(self, ctx: StepContext) -> Receipt:
        """Bring it into effect, idempotently under ``ctx.key``. Raises StepFailed(message, retryable=…)."""

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        """Take it back, idempotently under ``ctx.key``. Raises NotUndoable or StepFailed."""


_handlers: dict[str, StepHandler] = {}
H = TypeVar("H", bound=type)


def step(kind: str) -> Callable[[H], H]:
    """Class decorator: ``@step("git.release")``."""

    def register(cls: H) -> H:
        known = _handlers.get(kind)
        # The same class again is a module that was imported twice under a test runner; another one is a mistake.
        if known is not None and type(known).__qualname__ != cls.__qualname__:
            raise RuntimeError(f"step kind {kind!r} is registered twice: {type(known)!r} and {cls!r}")
        _handlers[kind] = cls()
        return cls

    return register


def handler(kind: str) -> StepHandler:
    """Raises StepFailed (retryable: another worker may run a newer version that knows the kind)."""
    try:
        return _handlers[kind]
    except KeyError:
        raise StepFailed(
            _("No worker here knows steps of the kind “%(kind)s”.") % {"kind": kind},
            retryable=True,
            hint=_("Update this worker, then retry the plan."),
        ) from None


def knows(kind: str) -> bool:
    """Whether this process could carry out such a step."""
    return kind in _handlers


def undoable(kind: str) -> bool:
    """False when the handler says that it can never be undone."""
    return bool(getattr(_handlers.get(kind), "undoable", True))


def unskippable(kind: str) -> str:
    """Why a plan may not go on without such a step, as a message id; empty when it may."""
    return str(getattr(_handlers.get(kind), "unskippable", ""))
