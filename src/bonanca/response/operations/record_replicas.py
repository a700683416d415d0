"""Write down how a service's replicas are, and tell when one is given up or comes back (requirement Y2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from bonanca.access.actors import SYSTEM
from bonanca.catalog.spec import ServiceView
from bonanca.kernel import audit
from bonanca.outbox.operations.publish import publish
from bonanca.response.events import ReplicaCameBack, ReplicaGaveUp
from bonanca.response.models import SupervisedReplica
from bonanca.running.processes import restart_policy
from bonanca.running.state import ReplicaState
from bonanca.running.views import SeenReplica


@transaction.atomic
def record_replicas(service: ServiceView, seen: Sequence[SeenReplica], *, now: datetime) -> tuple[str, ...]:
    """Keep what changed since the last look; return the names of those that changed.

    Looked at again without a change it writes nothing. Replicas that are no longer declared are forgotten.
    """
    known = {row.name: row for row in SupervisedReplica.objects.select_for_update().filter(service=service.slug)}
    SupervisedReplica.objects.filter(service=service.slug).exclude(name__in=[one.name for one in seen]).delete()
    changed = []
    for one in seen:
        row = known.get(one.name)
        before = row.state if row is not None else None
        row = row or SupervisedReplica(service=service.slug, name=one.name, since=now)
        if not _take_over(row, one):
            continue
        if before != one.state:
            row.since = now
            _tell(service, one, before, now)
        row.save()
        changed.append(one.name)
    return tuple(changed)


def _take_over(row: SupervisedReplica, seen: SeenReplica) -> bool:
    facts = {name: getattr(seen, name) for name in ("port", "state", "release", "restarts", "restarted_at", "error")}
    new = [name for name, fact in facts.items() if getattr(row, name) != fact]
    for name in new:
        setattr(row, name, facts[name])
    return bool(new) or row.pk is None


def _tell(service: ServiceView, seen: SeenReplica, before: str | None, now: datetime) -> None:
    if seen.state == ReplicaState.GIVEN_UP:
        policy = restart_policy(service)
        publish(
            ReplicaGaveUp(
                service=service.slug,
                replica=seen.name,
                critical=service.critical,
                restarts=policy.most,
                window_s=policy.window_s,
                error=seen.error,
                at=now,
            ),
            now=now,
        )
        _note(service, seen, "response.replica.gave_up", now)
    elif before == ReplicaState.GIVEN_UP and seen.state != ReplicaState.FAILING:
        stopped = seen.state == ReplicaState.STOPPED
        publish(ReplicaCameBack(service=service.slug, replica=seen.name, stopped=stopped, at=now), now=now)
        _note(service, seen, "response.replica.came_back", now)


def _note(service: ServiceView, seen: SeenReplica, action: str, now: datetime) -> None:
    audit.record(
        aggregate=f"service:{service.slug}",
        action=action,
        actor=SYSTEM("supervision").label,
        facts={"replica": seen.name, "error": seen.error},
        now=now,
    )
