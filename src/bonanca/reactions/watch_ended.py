"""A reinforced watch is over: nothing came back, something did, or a person ended it."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.events import WatchEnded
from bonanca.aftercare.state import WatchState
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction
from bonanca.postmortems.operations.draft_postmortem import draft_postmortem
from bonanca.postmortems.queries import postmortem_of

WORDS = {
    WatchState.CALM: gettext_noop("The closer look is over: %(words)s"),
    WatchState.RETURNED: gettext_noop("The closer look found that it is back: %(words)s"),
    WatchState.ENDED: gettext_noop("%(actor)s ended the closer look: %(words)s"),
}


@reaction(WatchEnded, "tell_timeline")
def tell_timeline(event: WatchEnded, now: datetime) -> None:
    """How it ended is evidence."""
    if event.incident_id is not None:
        outcome = WatchState(event.outcome)
        record_timeline(
            event.incident_id,
            kind=EntryKind.SIGNAL if outcome is WatchState.RETURNED else EntryKind.ACTION,
            text=WORDS[outcome],
            facts={"words": event.words, "actor": event.actor, "watch_id": str(event.watch_id)},
            key=f"watch:{event.watch_id}:{outcome}",
            at=event.at,
            actor=SYSTEM("aftercare"),
            now=now,
        )


@reaction(WatchEnded, "refresh_draft")
def refresh_draft(event: WatchEnded, now: datetime) -> None:
    """A draft that was made when the incident was resolved learns how the time after it went."""
    if event.incident_id is not None and postmortem_of(event.incident_id) is not None:
        draft_postmortem(event.incident_id, actor=SYSTEM("postmortems"), now=now)
