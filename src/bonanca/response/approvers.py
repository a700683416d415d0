"""Who may say yes to a plan."""

from __future__ import annotations

from bonanca.access.permissions import LEAST, Permission
from bonanca.access.queries import PersonView, people
from bonanca.access.state import RANK, Role
from bonanca.response.queries import ProposedPlanView


def approvers(plan: ProposedPlanView) -> tuple[PersonView, ...]:
    """Return the people who could approve it now, those of the service's team first.

    Where two people have to agree, who asked for it is not among them; nor is who has approved.
    """
    least = RANK[LEAST[Permission.COMMAND]]
    out = {approval.by for approval in plan.approvals} | ({plan.proposed_by} if plan.four_eyes else set())
    able = [p for p in people() if p.is_active and RANK[Role(p.role)] >= least and f"person:{p.email}" not in out]
    return tuple(sorted(able, key=lambda person: plan.team not in person.teams))
