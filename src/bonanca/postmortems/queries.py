"""Post-mortems, read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.kernel.errors import NotFound
from bonanca.kernel.typed import convert
from bonanca.postmortems.evidence import Evidence
from bonanca.postmortems.models import Postmortem
from bonanca.postmortems.state import PostmortemState
from bonanca.ui.phrases import read


@dataclass(frozen=True)
class PostmortemView:
    """One post-mortem's head (times UTC)."""

    id: UUID
    incident_id: UUID
    number: int
    title: str
    service: str
    team: str
    severity: str
    state: str
    drafted_at: datetime

    @property
    def state_label(self) -> str:
        return str(PostmortemState(self.state).label)


def view(row: Postmortem) -> PostmortemView:
    """Return the model as a frozen value, its title in the active language."""
    facts = {name: getattr(row, name) for name in PostmortemView.__dataclass_fields__}
    return PostmortemView(**{**facts, "title": read(row.title, row.title_phrase)})


def postmortems(*, limit: int = 100) -> tuple[PostmortemView, ...]:
    """Return post-mortems, newest first."""
    return tuple(view(p) for p in Postmortem.objects.defer("evidence")[:limit])


def postmortem_of(incident_id: UUID) -> PostmortemView | None:
    """Return the post-mortem of an incident, if it was drafted."""
    row = Postmortem.objects.filter(incident_id=incident_id).defer("evidence").first()
    return view(row) if row else None


def by_number(number: int) -> PostmortemView:
    """Return the post-mortem of INC-`number`.

    Raises:
        NotFound: there is none.
    """
    row = Postmortem.objects.filter(number=number).defer("evidence").first()
    if row is None:
        raise NotFound(_("There is no post-mortem of INC-%(number)s.") % {"number": number})
    return view(row)


def evidence_of(postmortem_id: UUID) -> Evidence:
    """Return what the post-mortem was drafted from.

    Raises:
        NotFound: there is no such post-mortem.
    """
    row = Postmortem.objects.filter(id=postmortem_id).first()
    if row is None:
        raise NotFound(_("There is no such post-mortem."))
    return convert(row.evidence, Evidence, strict=False)
