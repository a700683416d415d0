"""Who may do what. Denied unless a rule here allows it."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.state import RANK, Role
from bonanca.kernel.errors import NotAllowed


class Permission(StrEnum):
    # See every page and record that is not secret.
    READ = "read"
    # Act on a service of one's own team: acknowledge, note, contain, ask for a plan.
    RESPOND = "respond"
    # Lead: approve plans, act on any team's service, tell the public.
    COMMAND = "command"
    # Change the catalog, people and tokens.
    ADMINISTER = "administer"


LEAST: dict[Permission, Role] = {
    Permission.READ: Role.VIEWER,
    Permission.RESPOND: Role.RESPONDER,
    Permission.COMMAND: Role.COMMANDER,
    Permission.ADMINISTER: Role.ADMIN,
}


def allowed(actor: Actor | None, permission: Permission, *, team: str | None = None) -> bool:
    """Say whether the actor may; `team` is the owner of what is acted upon.

    A responder acts only on what belongs to a team of theirs; without a team named, on nothing.
    """
    if actor is None or RANK[actor.role] < RANK[LEAST[permission]]:
        return False
    if permission is Permission.RESPOND and actor.role == Role.RESPONDER:
        return team is not None and team in actor.teams
    return True


def require(actor: Actor | None, permission: Permission, *, team: str | None = None) -> Actor:
    """Return the actor if allowed.

    Raises:
        NotAllowed: it may not, with the role that could.
    """
    if actor is not None and allowed(actor, permission, team=team):
        return actor
    needed = LEAST[permission].label
    if team is not None and permission is Permission.RESPOND:
        raise NotAllowed(
            _("This needs the role %(role)s in the team %(team)s, or commander.") % {"role": needed, "team": team}
        )
    raise NotAllowed(_("This needs the role %(role)s.") % {"role": needed})
