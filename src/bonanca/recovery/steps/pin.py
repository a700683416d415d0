"""`recovery.pin`: keep the state of a service before a change, so that going back needs nothing from anywhere else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop

from bonanca.actuators.files.store import FileState
from bonanca.actuators.git.repository import GitRepository
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import ServiceView
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.registry import step
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.folders import contents
from bonanca.recovery.operations.record_pin import KEPT_FOR, PinnedState, record_pin
from bonanca.recovery.queries import pin_by_key
from bonanca.recovery.state import PinKind
from bonanca.recovery.steps.half_made import dropped, half_made
from bonanca.recovery.steps.pinned_data import copy_name, pinned_data
from bonanca.recovery.steps.support import told, worker
from bonanca.recovery.views import PinView
from bonanca.running.homes import read_far, release_now, ssh_host


@step("recovery.pin")
class TakePin:
    """Params: `service`, `change_id`, optional `kept_h` (hours, default 168) and `kind` (of PinKind, default copy).

    The receipt has the pin's id and what it cost: `held_s` is how long new connections waited for it, `took_s` how
    long it took in all.
    Undo keeps the pin: it is what makes coming back possible, and it expires by itself.
    """

    unskippable = gettext_noop("Without the pinned state there is nothing to go back to.")

    def check(self, ctx: StepContext) -> Receipt | None:
        if (pin := pin_by_key(ctx.key)) is not None:
            return _receipt(pin)
        database = get_service(ctx.params["service"]).database
        if database is None or not ctx.asked_by_undo:
            return None
        with told():
            # A copy that never became a pin: nobody would know of it, and so it would never expire.
            return half_made(ctx, database.dsn(), copy_name(ctx, database), key=ctx.key, held=database.name)

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            service = get_service(ctx.params["service"])
            state: dict[str, Any] = {"taken_at": ctx.now(), "release_sha": _release(service)}
            state |= _configuration(service)
            if service.database is not None:
                ctx.progress(None, service.database.name)
                kind = PinKind(ctx.params.get("kind", PinKind.COPY))
                state |= pinned_data(ctx, service, service.database, kind)
            point("recovery.pin.kept")
            pin = record_pin(
                service=service.slug,
                change_id=str(ctx.params.get("change_id") or ""),
                state=PinnedState(**state),
                key=ctx.key,
                actor=worker(),
                now=ctx.now(),
                kept_for=timedelta(hours=float(ctx.params["kept_h"])) if "kept_h" in ctx.params else KEPT_FOR,
            )
            return _receipt(pin)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        with told():
            database = get_service(ctx.params["service"]).database
            left = dropped(ctx, database.dsn(), receipt) if database is not None else None
        return left or {"kept": receipt["pin_id"]}


def _release(service: ServiceView) -> str:
    """The full commit id of the current release; its folder's name (the first digits) when git does not know it."""
    name = release_now(service)
    if name is None:
        return ""
    if service.repository is None or "://" in service.repository.path:
        return name
    try:
        return GitRepository(Path(service.repository.path)).resolve(name)
    except BonancaError:
        return name  # a release that is there can be returned to, whatever became of the repository


def _configuration(service: ServiceView) -> dict[str, Any]:
    if service.config is None:
        return {}
    kept = _kept(service, service.config.file)
    return {
        "config_path": str(service.config.file),
        "config_sha256": kept.sha256 or "",
        "config_mode": kept.mode,
    }


def _kept(service: ServiceView, file: Path) -> FileState:
    """Keep what the file holds; of another host it is brought here, where pins are."""
    if ssh_host(service) is None:
        return contents().capture(file)
    found = read_far(service, file)
    return FileState(None, None) if found is None else FileState(contents().put(found.data), found.mode)


def _receipt(pin: PinView) -> Receipt:
    return {
        "pin_id": str(pin.id),
        "release_sha": pin.release_sha,
        "config_sha256": pin.config_sha256,
        "database": pin.database,
        "copy": pin.copy_name,
        "taken_at": pin.taken_at.isoformat(),
        "kind": pin.kind.value,
        "point": pin.point,
        "held_s": pin.held_seconds,
        "took_s": pin.took_seconds,
        "size_bytes": pin.size_bytes,
        "rows": sum(pin.row_counts.values()),
    }
