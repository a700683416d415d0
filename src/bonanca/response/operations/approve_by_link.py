"""Approve a plan by the link of a message: it names one person and one plan, and works once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor, person
from bonanca.access.queries import find_user
from bonanca.kernel.errors import NotFound
from bonanca.response.models import ApprovalLink
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.operations.invite_approvers import SALT
from bonanca.response.queries import ProposedPlanView, get_plan
from bonanca.response.state import Door


class LinkInvalid(NotFound):
    """The link was never made, was used, has expired, or the account is closed: which one is not told."""


@dataclass(frozen=True)
class Invitation:
    """What a link is about, for the page that asks for confirmation."""

    id: UUID
    plan: ProposedPlanView
    actor: Actor


def invitation_of(token: str, *, now: datetime) -> Invitation:
    """Return what the link is about. Reads only: programs that look into mail use nothing up.

    Raises:
        LinkInvalid: it works no longer, or never did.
    """
    try:
        identity = UUID(signing.loads(token, salt=SALT))
    except (signing.BadSignature, ValueError, TypeError):
        raise _invalid() from None
    link = ApprovalLink.objects.filter(id=identity, used_at=None, expires_at__gt=now).first()
    if link is None:
        raise _invalid()
    try:
        user = find_user(link.email)
    except NotFound:
        raise _invalid() from None
    if not user.is_active:
        raise _invalid()
    return Invitation(link.id, get_plan(link.plan_id), person(user))


@transaction.atomic
def approve_by_link(token: str, *, override_reason: str = "", now: datetime) -> ProposedPlanView:
    """Approve as the person of the link, which is then used up; what is refused uses nothing up.

    Raises:
        LinkInvalid: it works no longer, or somebody was faster with it.
        NotAllowed and the conflicts of `approve_plan`: nothing was started.
    """
    found = invitation_of(token, now=now)
    if not ApprovalLink.objects.filter(id=found.id, used_at=None).update(used_at=now):
        raise _invalid()
    return approve_plan(found.plan.id, override_reason=override_reason, via=Door.LINK, actor=found.actor, now=now)


def _invalid() -> LinkInvalid:
    return LinkInvalid(
        _("This link works no longer."),
        hint=_("It works once, and only while the preview holds. Sign in and look at the plan."),
    )
