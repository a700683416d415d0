"""Who may say yes to a plan."""

from __future__ import annotations

from collections.abc import Collection

from bonanca.access.permissions import LEAST, Permission
from bonanca.access.queries import PersonView, people
from bonanca.access.state import RANK, Role
from bonanca.response.queries import ProposedPlanView


def approvers(plan: ProposedPlanView) -> tuple[PersonView, ...]:
    """Return the people who could approve it now, those of the service's team first.

    Where two people have to agree, who asked for it is not among them; nor is who has approved.
    """
    out = {approval.by for approval in plan.approvals} | ({plan.proposed_by} if plan.four_eyes else set())
    return able_to_approve(plan.team, without=out)


def able_to_approve(team: str, *, without: Collection[str] = ()) -> tuple[PersonView, ...]:
    """Return the commanders, those of the team first; `without` are labels of actors that do not count."""
    least = RANK[LEAST[Permission.COMMAND]]
    able = [p for p in people() if p.is_active and RANK[Role(p.role)] >= least and f"person:{p.email}" not in without]
    return tuple(sorted(able, key=lambda person: team not in person.teams))
