"""`/api/v1/me`: who am I to this installation?"""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Schema

from bonanca.access.actors import Actor

router = Router(tags=["access"])


class MeOut(Schema):
    kind: str
    label: str
    name: str
    role: str
    teams: list[str]
    locale: str
    time_zone: str


@router.get("/me", response=MeOut, summary="The caller, as permissions see it")
def me(request: HttpRequest) -> MeOut:
    """Return kind, role and teams of the caller; the cheapest way to try a token."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return MeOut(
        kind=actor.kind,
        label=actor.label,
        name=actor.name,
        role=actor.role,
        teams=sorted(actor.teams),
        locale=actor.locale,
        time_zone=actor.time_zone,
    )
