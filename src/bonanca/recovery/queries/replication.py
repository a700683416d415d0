"""Reading what looks at standbys found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bonanca.catalog.queries import get_service, list_services
from bonanca.catalog.spec import ServiceView
from bonanca.durable import queries as durable
from bonanca.durable.state import RunState
from bonanca.durable.views import PlanRunView
from bonanca.recovery import promotion_plans, rejoin_plans
from bonanca.recovery.models import ReplicationSample
from bonanca.recovery.views.replication import ReplicationView

_SAMPLED = ("at", "healthy", "lag_s", "lag_bytes", "wal_bytes", "slot_bytes", "checkpoint_age_s")
_LEFT = ("kept_on_primary", "kept_on_standby", "closed")
# Plans that keep log on the two servers, or let it go.
MOVES = frozenset({promotion_plans.KIND, rejoin_plans.KIND})


def replication() -> tuple[ReplicationView, ...]:
    """Every service that declares a standby."""
    return tuple(_view(service) for service in list_services() if service.database and service.database.standby)


def replication_of(service: str) -> ReplicationView | None:
    """One service; None when it declares no standby. Raises NotFound: no such service."""
    declared = get_service(service)
    return _view(declared) if declared.database and declared.database.standby else None


def servers_declared(service: str) -> bool:
    """Whether the service says where the folders of its two servers are. Raises NotFound: no such service."""
    database = get_service(service).database
    return database is not None and database.standby is not None and bool(database.standby.servers)


def lag_between(service: str, since: datetime, until: datetime) -> tuple[tuple[datetime, float], ...]:
    """(moment, seconds behind), in order."""
    rows = ReplicationSample.objects.filter(service=service, at__range=(since, until), lag_s__isnull=False)
    return tuple((at, lag) for at, lag in rows.order_by("at").values_list("at", "lag_s") if lag is not None)


def moves_of(service: str, *, states: Sequence[RunState] | None = None) -> list[PlanRunView]:
    """Plans that made one of its two servers the primary or the standby, and their undos: the newest first."""
    kinds = [kind + undo for kind in sorted(MOVES) for undo in ("", ".undo")]
    subject = f"service:{service}"
    found = [run for kind in kinds for run in durable.list_runs(subject=subject, kind=kind, states=states, limit=10)]
    return sorted(found, key=lambda run: run.created_at, reverse=True)


def _plans(service: str, seen_at: datetime) -> dict[str, bool]:
    runs = moves_of(service)
    in_use = any(run.finished_at is None or run.finished_at > seen_at for run in runs)
    done = next((run for run in runs if run.kind in MOVES and run.state is RunState.SUCCEEDED), None)
    return {"in_use": in_use, "awaited": done is not None and any(step.key == "promote" for step in done.steps)}


def _view(service: ServiceView) -> ReplicationView:
    assert service.database is not None
    spec = service.database.standby
    assert spec is not None
    row = ReplicationSample.objects.filter(service=service.slug).order_by("-at").first()
    found: dict[str, Any] = {name: getattr(row, name) if row else None for name in _SAMPLED}
    found |= {name: getattr(row, name) for name in _LEFT} if row else {}
    if found.get("closed") or any(found.get(name) is not None for name in _LEFT[:2]):
        found |= _plans(service.slug, found["at"])
    return ReplicationView(
        service=service.slug,
        team=service.team_slug,
        max_lag_s=spec.max_lag_s,
        max_lag_bytes=spec.max_lag_bytes,
        max_wal_bytes=spec.max_wal_bytes,
        error=row.error if row else "",
        **found,
    )
