"""Changes, read; and which of them may have caused a failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.git import diff_stat, diff_text, log_between, resolve
from bonanca.actuators.git.changes import Commit, DiffStat, DiffText
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ServiceView
from bonanca.delivery.gates import GateResult
from bonanca.delivery.models import Change
from bonanca.delivery.state import ChangeState
from bonanca.incidents.queries import SuspectView
from bonanca.kernel.errors import Invalid, NotFound
from bonanca.running.homes import release_of

# How long after a change its failure may begin and still be laid at its door.
SUSPICION_WINDOW = timedelta(hours=24)


@dataclass(frozen=True)
class ChangeView:
    """One change. Shas are full commit ids, times UTC."""

    id: UUID
    number: int
    service: str
    team: str
    title: str
    version: str
    from_sha: str
    to_sha: str
    state: str
    gates: tuple[GateResult, ...]
    gates_at: datetime | None
    gates_overridden: str
    proposed_by: str
    proposed_at: datetime
    deploying_at: datetime | None
    finished_at: datetime | None
    run_id: UUID | None

    @property
    def label(self) -> str:
        return f"CHG-{self.number}"

    @property
    def state_label(self) -> str:
        return str(ChangeState(self.state).label)

    @property
    def gates_passed(self) -> bool:
        return all(gate.passed for gate in self.gates)


@dataclass(frozen=True)
class Contents:
    """What a change brings: its commits, files and text."""

    commits: tuple[Commit, ...]
    stat: DiffStat
    diff: DiffText


def view(change: Change) -> ChangeView:
    """Return the model as a frozen value."""
    facts: dict[str, Any] = {name: getattr(change, name) for name in ChangeView.__dataclass_fields__}
    facts["gates"] = tuple(GateResult(**gate) for gate in change.gates)
    return ChangeView(**facts)


def get_change(change_id: UUID) -> ChangeView:
    """Return a change by id.

    Raises:
        NotFound: there is none.
    """
    found = Change.objects.filter(id=change_id).first()
    if found is None:
        raise NotFound(_("There is no such change."))
    return view(found)


def by_number(number: int) -> ChangeView:
    """Return CHG-`number`.

    Raises:
        NotFound: there is none.
    """
    found = Change.objects.filter(number=number).first()
    if found is None:
        raise NotFound(_("There is no change CHG-%(number)s.") % {"number": number})
    return view(found)


def recent_changes(*, service: str | None = None, limit: int = 100) -> tuple[ChangeView, ...]:
    """Return changes, newest first, of one service or of all."""
    rows = Change.objects.order_by("-number")
    if service is not None:
        rows = rows.filter(service=service)
    return tuple(view(c) for c in rows[:limit])


def last_change(service: str) -> ChangeView | None:
    """Return the newest change of a service that reached it."""
    row = Change.objects.filter(service=service, deploying_at__isnull=False).order_by("-deploying_at").first()
    return view(row) if row else None


def change_of_run(run_id: UUID) -> ChangeView | None:
    """Return the change that a durable plan deploys."""
    row = Change.objects.filter(run_id=run_id).first()
    return view(row) if row else None


def running_sha(service: ServiceView) -> str:
    """Return the full id of the commit that the service's `current` release is, or "" before the first one.

    Raises:
        Invalid: the service declares no repository or root.
        UnknownRef: the release's commit is not in the repository (any more).
        Unavailable: the service is on another host that nobody has looked at yet.
    """
    if service.root is None or service.repository is None:
        raise Invalid(
            _("%(service)s declares no `repository` and `root`: there is nothing to deploy.")
            % {"service": service.slug},
            field="service",
        )
    release = release_of(service)
    return resolve(service.repository.path, release) if release else ""


def contents(change: ChangeView) -> Contents | None:
    """Return what the change brings, or None for a first deployment."""
    repository = get_service(change.service).repository
    if not change.from_sha or repository is None:
        return None
    return Contents(
        commits=log_between(repository.path, change.from_sha, change.to_sha),
        stat=diff_stat(repository.path, change.from_sha, change.to_sha),
        diff=diff_text(repository.path, change.from_sha, change.to_sha, max_bytes=60_000),
    )


BEFORE = gettext_noop("it took effect %(before_s)s before the first failure")
SAME_SERVICE = gettext_noop("it changed the service that fails")
DEPENDENCY = gettext_noop("it changed %(service)s, which the failing service depends on")
ONLY = gettext_noop("it is the only change in the %(hours)s h before")
DURING = gettext_noop("the failures began while it was being deployed")


def suspects_for(service: str, started_at: datetime) -> tuple[SuspectView, ...]:
    """Rank the changes that may have caused a failure that began at `started_at`, the likeliest first.

    A change of the failing service counts before one of its dependencies, a recent one before an old one.
    """
    declared = get_service(service)
    candidates = list(
        Change.objects.filter(
            service__in=[service, *declared.depends_on],
            deploying_at__gte=started_at - SUSPICION_WINDOW,
            deploying_at__lte=started_at,
        )
    )
    ranked = sorted(candidates, key=lambda c: (c.service != service, started_at - (c.deploying_at or started_at)))
    return tuple(_suspect(change, service, started_at, len(ranked)) for change in ranked)


def _suspect(change: Change, service: str, started_at: datetime, of: int) -> SuspectView:
    effect_at = change.finished_at or change.deploying_at or change.proposed_at
    if effect_at <= started_at:
        reasons: list[tuple[str, dict[str, Any]]] = [
            (BEFORE, {"before_s": round((started_at - effect_at).total_seconds())})
        ]
    else:
        reasons = [(DURING, {})]
    reasons.append((SAME_SERVICE, {}) if change.service == service else (DEPENDENCY, {"service": change.service}))
    if of == 1:
        reasons.append((ONLY, {"hours": round(SUSPICION_WINDOW.total_seconds() / 3600)}))
    return SuspectView(
        change_id=change.id,
        title=change.title,
        version=change.version,
        changed_at=effect_at,
        reasons=tuple(reasons),
    )
