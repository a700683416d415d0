"""Say who belongs to a team."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.access.models import TeamMembership
from bonanca.access.permissions import Permission, require
from bonanca.access.queries import find_user
from bonanca.kernel.audit import record


@transaction.atomic
def set_team_members(*, team: str, emails: Iterable[str], actor: Actor, now: datetime) -> bool:
    """Make the accounts of `emails` the members of `team`, and nobody else; say whether that changed anything.

    Raises:
        NotAllowed: the actor does not administer.
        NotFound: an address has no account.
    """
    require(actor, Permission.ADMINISTER)
    wanted = {find_user(email).id for email in emails}
    existing = {membership.user_id: membership for membership in TeamMembership.objects.filter(team=team)}
    joined, left = wanted - existing.keys(), existing.keys() - wanted
    if not joined and not left:
        return False
    TeamMembership.objects.bulk_create([TeamMembership(user_id=user, team=team) for user in sorted(joined)])
    TeamMembership.objects.filter(team=team, user_id__in=left).delete()
    facts = {"joined": sorted(map(str, joined)), "left": sorted(map(str, left))}
    record(aggregate=f"team:{team}", action="team.members_set", actor=actor.label, facts=facts, now=now)
    return True
