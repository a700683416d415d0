"""How the data can be pinned before a change, and what each way costs: measured here, never guessed."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bonanca.catalog.spec import PINS, RollbackSpec, ServiceView
from bonanca.durable import queries as durable
from bonanca.durable.state import RunState
from bonanca.recovery.queries import pin_prices
from bonanca.recovery.state import PinKind
from bonanca.response.compilers.from_backups import last_load_s
from bonanca.response.views import PinChoice

RUNS_LOOKED_AT = 30

EXPLAINED: dict[str, Promise] = {
    "copy": gettext_lazy(
        "The server copies the database; writes wait meanwhile, longer the larger it is. Going back is a rename."
    ),
    "snapshot": gettext_lazy(
        "The database is dumped and loaded beside while everybody writes on. Nobody waits, the deployment takes "
        "longer. Going back is a rename."
    ),
    "log": gettext_lazy(
        "Only the position in the archived log is noted. Nobody waits and nothing is copied, whatever the size. Going "
        "back restores the last physical backup and the log, which takes longer the larger it is."
    ),
}


def pin_choices(service: ServiceView) -> tuple[PinChoice, ...]:
    """Return every way, the declared one marked; nothing for a service without a database."""
    if service.database is None:
        return ()
    prices, declared = pin_prices(service.slug), (service.rollback or RollbackSpec()).pin
    found = []
    for name in PINS:
        price = prices.get(PinKind(name))
        found.append(
            PinChoice(
                kind=name,
                label=str(PinKind(name).label),
                explanation=str(EXPLAINED[name]),
                declared=name == declared,
                held_s=price.held_s if price else None,
                took_s=price.took_s if price else None,
                size_bytes=price.size_bytes if price else None,
                measured_at=price.taken_at if price else None,
                shares_blocks=price is not None and price.method == "clone",
                back_s=last_load_s(service, "physical") if name == "log" else _last_copy_s(service),
                why_not=_lacks(service, name),
            )
        )
    return tuple(found)


def _lacks(service: ServiceView, kind: str) -> str:
    if kind == "log" and (service.backup is None or not service.backup.archives_log):
        return _("It needs a backup with engine: physical and wal, or engine: pgbackrest.")
    return ""


def _last_copy_s(service: ServiceView) -> float | None:
    """Seconds in which a rollback last copied a pin beside the running database."""
    runs = durable.list_runs(
        subject=f"service:{service.slug}", kind="rollback", states=[RunState.SUCCEEDED], limit=RUNS_LOOKED_AT
    )
    for run in runs:
        for done in run.steps:
            if done.kind == "recovery.prepare_restore" and done.started_at and done.finished_at:
                return round((done.finished_at - done.started_at).total_seconds(), 2)
    return None
