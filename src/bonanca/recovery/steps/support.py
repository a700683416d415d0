"""What the steps of this room share: who acts, names that a run gives, and errors in the interpreter's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from uuid import UUID

import psycopg
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM, Actor
from bonanca.actuators.postgres.databases import DatabaseInUse
from bonanca.actuators.postgres.fencing import DatabaseBusy
from bonanca.actuators.postgres.sessions import DatabaseUnreachable, said
from bonanca.actuators.ssh.session import HostUnreachable
from bonanca.durable.context import StepContext
from bonanca.durable.errors import Fenced, NotUndoable, StepFailed
from bonanca.durable.fence import ResourceBusy
from bonanca.kernel.errors import BonancaError

# A moment later these may be gone; the rest needs a person.
PASSING = (DatabaseUnreachable, DatabaseInUse, DatabaseBusy, ResourceBusy, HostUnreachable)
ASK_EVERY_S = 1.0


def worker() -> Actor:
    """Who acts in a step: the person who approved is in the plan's own record."""
    return SYSTEM("recovery")


def mark_of(run_id: UUID) -> str:
    """Twelve characters of a run's id for names of databases: its random part, not its time."""
    return run_id.hex[-12:]


@contextmanager
def told() -> Iterator[None]:
    """Turn this room's refusals into StepFailed, retryable where a moment may help."""
    try:
        yield
    except (StepFailed, Fenced, NotUndoable):
        raise
    except BonancaError as error:
        raise StepFailed(error.message, retryable=isinstance(error, PASSING), hint=error.hint) from error
    except psycopg.Error as error:
        lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        raise StepFailed(
            _("The service's PostgreSQL said: %(said)s") % {"said": said(error)},
            retryable=lost,
        ) from error


def reporting(ctx: StepContext) -> Callable[[float | None, str], None]:
    """Progress of long work that also asks, at most once a second, whether the step is still ours."""
    asked = monotonic()

    def report(share: float | None, text: str) -> None:
        nonlocal asked
        ctx.progress(share, text)
        if monotonic() - asked >= ASK_EVERY_S:
            asked = monotonic()
            ctx.still_mine()

    return report


def identity_file_of(ctx: StepContext) -> Path | None:
    """The private key's file that was given with the plan; None: the declared one."""
    given = ctx.params.get("identity_file")
    return Path(given) if given else None
