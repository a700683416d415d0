"""Ask those who may approve, by a message with a link that works once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from bonanca.access.queries import PersonView
from bonanca.notify.operations.enqueue_message import enqueue_message
from bonanca.notify.state import Purpose
from bonanca.response.approvers import approvers
from bonanca.response.models import ApprovalLink
from bonanca.response.queries import ProposedPlanView, get_plan
from bonanca.ui.formats import clock_text

SALT = "bonanca.response.approval"


@transaction.atomic
def invite_approvers(plan_id: UUID, *, now: datetime) -> tuple[str, ...]:
    """Send a link to each commander of the service's team, or to every commander when it has none; return them.

    Nobody is asked about a plan that waits no longer. A second call sends nothing.

    Raises:
        NotFound: there is no such plan.
    """
    plan = get_plan(plan_id)
    if not plan.waits_for_approval or plan.expires_at <= now:
        return ()
    able = approvers(plan)
    invited = [person for person in able if plan.team in person.teams] or list(able)
    for person in invited:
        link, fresh = ApprovalLink.objects.get_or_create(
            plan_id=plan.id, email=person.email, defaults={"expires_at": plan.expires_at}
        )
        if fresh:
            _send(person, plan, link, now)
    return tuple(person.email for person in invited)


def _send(person: PersonView, plan: ProposedPlanView, link: ApprovalLink, now: datetime) -> None:
    token = signing.dumps(str(link.id), salt=SALT)
    with translation.override(person.locale):
        shown = get_plan(plan.id)
        facts = {"name": person.name, "title": shown.title, "service": plan.service, "rows": plan.preview.rows_total}
        lines = [_("%(name)s, your approval is needed: %(title)s") % facts]
        if plan.preview.reason:
            lines.append(_("Reason: %(reason)s") % {"reason": plan.preview.reason})
        if shown.criteria.rules:
            lines.append(shown.criteria.outcome_label)
        if plan.four_eyes:
            lines.append(_("Two people have to agree. Rows at risk: %(rows)s.") % facts)
        address = f"{settings.PUBLIC_URL}/recovery/approve/{token}/"
        lines.append(
            _("Look at it and approve it here; opening the page does nothing yet. It works once, until %(until)s:")
            % {"until": clock_text(plan.expires_at)}
        )
        subject = _("[%(service)s] Your approval is needed: %(title)s") % facts
    enqueue_message(
        key=f"approve:{plan.id}:{person.email}"[:200],
        channel="email",
        to=person.email,
        subject=subject,
        body="\n\n".join(lines) + "\n",
        purpose=Purpose.PAGE,
        now=now,
        secret=address,
    )
