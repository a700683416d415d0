"""Write down what is to be shipped, before it is."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.actuators.git import resolve
from bonanca.catalog.queries import get_service
from bonanca.delivery import gates
from bonanca.delivery.events import ChangeProposed
from bonanca.delivery.models import Change
from bonanca.delivery.queries import ChangeView, running_sha, view
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid
from bonanca.outbox.operations.publish import publish


def propose_change(*, service: str, version: str, title: str, actor: Actor, now: datetime) -> ChangeView:
    """Record a change of a service to a branch, tag or commit, and evaluate its gates.

    Raises:
        NotFound: the catalog has no such service.
        NotAllowed: the actor may not act on it.
        Invalid: the service cannot be deployed, the version is unknown or runs already; `field` says which.
    """
    declared = get_service(service)
    require(actor, Permission.RESPOND, team=declared.team_slug)
    # Names only, so that it reads the same in every language.
    words = title.strip() or f"{declared.name} {version}"[:200]
    if len(version) > 100:
        raise Invalid(_("A version has at most 100 characters."), field="version")
    if len(words) > 200:
        raise Invalid(_("A title has at most 200 characters."), field="title")
    # Git is asked before the transaction: nothing waits for a disk while it holds locks.
    from_sha = running_sha(declared)
    assert declared.repository is not None  # running_sha refuses a service without one
    to_sha = resolve(declared.repository.path, version)
    if to_sha == from_sha:
        raise Invalid(_("%(version)s is what runs already.") % {"version": version}, field="version")
    results = gates.evaluate(gates.Candidate(declared, to_sha, from_sha), now)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('delivery.number', 7))")
        last = Change.objects.aggregate(last=Max("number"))["last"] or 0
        change = Change.objects.create(
            number=last + 1,
            service=service,
            team=declared.team_slug,
            title=words,
            version=version,
            from_sha=from_sha,
            to_sha=to_sha,
            gates=[asdict(result) for result in results],
            gates_at=now,
            proposed_by=actor.label,
            proposed_at=now,
        )
        audit.record(
            aggregate=f"change:{change.id}",
            action="delivery.change.proposed",
            actor=actor.label,
            facts={"service": service, "version": version, "from": from_sha, "to": to_sha},
            now=now,
        )
        publish(
            ChangeProposed(change_id=change.id, number=change.number, service=service, version=version, at=now), now=now
        )
    return view(change)
