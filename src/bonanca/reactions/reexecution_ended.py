"""What failed was run again, or the plan stopped before all was."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.events import ReexecutionEnded
from bonanca.aftercare.state import ItemState, ReexecutionState
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction
from bonanca.postmortems.operations.draft_postmortem import draft_postmortem
from bonanca.postmortems.queries import postmortem_of

DONE = gettext_noop("Run again: %(done)s done, %(already)s were done already, %(failed)s failed")
STOPPED = gettext_noop("Running again stopped: %(done)s done, %(failed)s failed, %(left)s left. %(error)s")


@reaction(ReexecutionEnded, "tell_timeline")
def tell_timeline(event: ReexecutionEnded, now: datetime) -> None:
    """How much of it was made good is evidence."""
    if event.incident_id is not None:
        counts = event.counts
        facts = {
            "done": counts.get(ItemState.DONE, 0),
            "already": counts.get(ItemState.ALREADY, 0),
            "failed": counts.get(ItemState.FAILED, 0),
            "left": counts.get(ItemState.CHOSEN, 0) + counts.get(ItemState.SENDING, 0),
            "error": event.error,
            "reexecution_id": str(event.reexecution_id),
        }
        record_timeline(
            event.incident_id,
            kind=EntryKind.ACTION,
            text=DONE if event.outcome == ReexecutionState.DONE else STOPPED,
            facts=facts,
            key=f"reexecution:{event.reexecution_id}:{event.outcome}:{event.at.isoformat()}",
            at=event.at,
            actor=SYSTEM("aftercare"),
            now=now,
        )


@reaction(ReexecutionEnded, "refresh_draft")
def refresh_draft(event: ReexecutionEnded, now: datetime) -> None:
    """A draft that was made before learns what was made good."""
    if event.incident_id is not None and postmortem_of(event.incident_id) is not None:
        draft_postmortem(event.incident_id, actor=SYSTEM("postmortems"), now=now)
