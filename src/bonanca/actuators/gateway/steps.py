"""Plan steps at the gateway: close with a polite page, open again, divide requests, wait until it is live."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from bonanca.actuators.gateway import queries, wire
from bonanca.actuators.gateway.operations.lift_directive import lift_directive
from bonanca.actuators.gateway.operations.put_directive import put_directive
from bonanca.actuators.gateway.operations.restore_directive import restore_directive
from bonanca.actuators.gateway.queries import DirectiveView
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.registry import step
from bonanca.kernel.errors import Invalid, NotFound

# Seconds to wait for a gateway: enough for web, our database or the agent itself to come back from a crash.
WAIT_S = 30.0
LOOK_EVERY_S = 0.05
MAX_S = 1800.0


class _Directive(ABC):
    """A step that puts one directive under its key, and whose undo lifts it."""

    kind: wire.Kind

    @abstractmethod
    def details(self, ctx: StepContext) -> dict[str, Any]:
        """What this kind of directive says beside its place and time."""

    def check(self, ctx: StepContext) -> Receipt | None:
        """In effect when its directive holds and the gateway says it does."""
        known = queries.find_directive(ctx.key)
        if known is None or not known.active(ctx.now()):
            return None
        there = queries.get_gateway(known.gateway, now=ctx.now())
        return _receipt(known, ctx) if there.caught_up(known.version) else None

    def apply(self, ctx: StepContext) -> Receipt:
        """Put the directive and wait until it is live."""
        gateway = str(ctx.params["gateway"])
        # Looked at first: a plan whose gateway is not there changes nothing.
        _wait_for_agent(ctx, gateway)
        now = ctx.now()
        expires_at = now + timedelta(seconds=_max_s(ctx.params))
        try:
            put = put_directive(
                key=ctx.key,
                gateway=gateway,
                service=str(ctx.params["service"]),
                kind=self.kind,
                expires_at=expires_at,
                now=now,
                fence=ctx.token,
                **self.details(ctx),
            )
            if not put.active(now):
                # Somebody lifted it, or it ran out, while this step was being tried again: the plan needs it now.
                put = restore_directive(key=ctx.key, expires_at=expires_at, now=now, fence=ctx.token)
        except Invalid as refused:
            raise StepFailed(str(refused)) from refused
        _wait_until_live(ctx, gateway, put.version)
        return _receipt(queries.get_directive(ctx.key), ctx)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        """Let visitors in as before and wait until they are."""
        return _lift(ctx, str(receipt["key"]))


@step("gateway.maintenance")
class Maintenance(_Directive):
    """Answer a service's visitors with the maintenance page.

    Params: gateway, service, message, retry_after_s (30), max_s (1800: then it ends by itself), match (all of the
    service), wait_s (30). The receipt names the directive's key. Undo: let visitors in again.
    """

    kind = "maintenance"

    def details(self, ctx: StepContext) -> dict[str, Any]:
        """The words on the page."""
        return {
            "match": ctx.params.get("match"),
            "message": str(ctx.params.get("message", "")),
            "retry_after_s": int(ctx.params.get("retry_after_s", 30)),
        }


@step("gateway.weights")
class Weights(_Directive):
    """Divide a service's requests among its replicas, or between it and its redundant site.

    Params: gateway, service, shares ([{weight, backends: [address]}]), max_s (1800: then it ends by itself), wait_s
    (30). The receipt names the directive's key. Undo: requests are divided as before.
    """

    kind = "weights"

    def details(self, ctx: StepContext) -> dict[str, Any]:
        """Who gets how much."""
        shares = ctx.params["shares"]
        return {"shares": [wire.Share(int(s["weight"]), tuple(map(wire.Backend, s["backends"]))) for s in shares]}


@step("gateway.open")
class Open:
    """Let visitors in again after an earlier `gateway.maintenance`.

    Params: step (that step's key in this plan) or key (of the directive), max_s (1800: for the undo), wait_s (30).
    Undo: put the page back.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        """In effect when the directive has ended and the gateway says so."""
        known = queries.find_directive(_key(ctx))
        if known is None or known.active(ctx.now()):
            return None
        there = queries.get_gateway(known.gateway, now=ctx.now())
        return _receipt(known, ctx) if there.caught_up(known.version) else None

    def apply(self, ctx: StepContext) -> Receipt:
        """Lift the directive and wait until visitors are served."""
        return _lift(ctx, _key(ctx))

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        """Put the page back and wait until it is live."""
        now = ctx.now()
        key, gateway = str(receipt["key"]), str(receipt["gateway"])
        _wait_for_agent(ctx, gateway)
        expires_at = now + timedelta(seconds=float(receipt.get("max_s", MAX_S)))
        restored = restore_directive(key=key, expires_at=expires_at, now=now, fence=ctx.token)
        _wait_until_live(ctx, gateway, restored.version)
        return _receipt(restored, ctx)


@step("gateway.wait_applied")
class WaitApplied:
    """Wait until a gateway does what is wanted of it. Params: gateway, version (the newest), wait_s (30)."""

    def check(self, ctx: StepContext) -> Receipt | None:
        """In effect when it does."""
        there = queries.get_gateway(str(ctx.params["gateway"]), now=ctx.now())
        return {"version": there.applied_version} if there.caught_up(ctx.params.get("version")) else None

    def apply(self, ctx: StepContext) -> Receipt:
        """Wait."""
        gateway = str(ctx.params["gateway"])
        version = int(ctx.params.get("version") or queries.current_version(gateway))
        _wait_until_live(ctx, gateway, version)
        return {"version": version}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        """Nothing was changed."""
        return {}


def _key(ctx: StepContext) -> str:
    if "key" in ctx.params:
        return str(ctx.params["key"])
    earlier = ctx.receipts.get(str(ctx.params["step"]))
    if earlier is None:
        raise StepFailed(_("The plan has no step “%(step)s” to take back.") % {"step": ctx.params["step"]})
    return str(earlier["key"])


def _lift(ctx: StepContext, key: str) -> Receipt:
    try:
        lifted = lift_directive(key=key, now=ctx.now(), fence=ctx.token)
    except NotFound as missing:
        raise StepFailed(str(missing)) from missing
    _wait_until_live(ctx, lifted.gateway, lifted.version)
    return _receipt(lifted, ctx)


def _receipt(directive: DirectiveView, ctx: StepContext) -> Receipt:
    return {
        "key": directive.key,
        "gateway": directive.gateway,
        "service": directive.service,
        "version": directive.version,
        "applied_at": directive.applied_at.isoformat() if directive.applied_at else None,
        "max_s": _max_s(ctx.params),
    }


def _max_s(params: dict[str, Any]) -> float:
    return float(params.get("max_s", MAX_S))


def _wait_for_agent(ctx: StepContext, gateway: str) -> None:
    _wait(ctx, gateway, _("a sign of life"), lambda there: there.alive)


def _wait_until_live(ctx: StepContext, gateway: str, version: int) -> None:
    _wait(ctx, gateway, _("version %(version)d") % {"version": version}, lambda there: there.caught_up(version))


def _wait(ctx: StepContext, gateway: str, awaited: str, truth: Callable[[queries.GatewayView], bool]) -> None:
    """Look until it is true.

    Raises:
        StepFailed: it is not within the time; the text says what is wrong with the gateway.
        Fenced: the plan has moved on.
    """
    until = time.monotonic() + min(float(ctx.params.get("wait_s", WAIT_S)), max(ctx.remaining_s() - 1.0, 0.0))
    while not truth(there := queries.get_gateway(gateway, now=ctx.now())):
        ctx.still_mine()
        if time.monotonic() >= until:
            raise _failure(there, awaited)
        ctx.progress(None, _("Waiting for the gateway %(gateway)s: %(what)s") % {"gateway": gateway, "what": awaited})
        time.sleep(LOOK_EVERY_S)


def _failure(there: queries.GatewayView, awaited: str) -> StepFailed:
    facts = {"gateway": there.name, "what": awaited, "reason": there.refused, "since": there.reported_at}
    hint = _("Start it with `bonanca gateway`, then retry the plan.")
    if there.reported_at is None:
        text = _("The gateway %(gateway)s has never reported: no agent runs for it.") % facts
    elif not there.alive:
        text = _("The gateway %(gateway)s has been silent since %(since)s.") % facts
    elif there.refused:
        text, hint = _("The gateway %(gateway)s refuses what is wanted of it: %(reason)s") % facts, ""
    else:
        text = _("The gateway %(gateway)s did not reach %(what)s in time.") % facts
        hint = _("Look at its log, then retry the plan.")
    return StepFailed(text, retryable=True, hint=hint or None)
