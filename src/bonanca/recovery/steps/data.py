"""Data back to a pin: `recovery.prepare_restore` copies it while the service runs, `recovery.restore_pin` swaps."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.actuators.postgres.databases import (
    adopt_database,
    copy_database,
    database_exists,
    drop_database,
    swap_databases,
)
from bonanca.actuators.postgres.fencing import Facts, effect_of
from bonanca.actuators.postgres.properties import Properties
from bonanca.actuators.postgres.sessions import derived_name
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import DatabaseSpec
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import NotUndoable, StepFailed
from bonanca.durable.registry import step
from bonanca.recovery.guards import database_of, refuse_own_server
from bonanca.recovery.operations.prepare_spares import leave_to_plan, ready_key, spare_used
from bonanca.recovery.queries import get_pin
from bonanca.recovery.state import PinState
from bonanca.recovery.steps.half_made import dropped, half_made
from bonanca.recovery.steps.set_aside import aside_before_undo
from bonanca.recovery.steps.support import mark_of, told
from bonanca.recovery.views import PinView


@step("recovery.prepare_restore")
class PrepareRestore:
    """Copy the pin beside the running database, before the maintenance window: the swap then takes no time.

    Params: `service`, `pin_id`. The pin itself survives, so that one can go back to it again. Undo drops the copy.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        with told():
            dsn = _database(ctx).dsn()
            return effect_of(dsn, _copy_key(ctx.run_id)) or _half_made(ctx, dsn)

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            return _prepared(ctx, *_asked(ctx))

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        with told():
            dsn = _database(ctx).dsn()
            if (left := dropped(ctx, dsn, receipt)) is not None:
                return left
            # After a swap there is no database of this name any more: it has become the service's.
            there = drop_database(dsn, name=receipt["target"], token=ctx.token)
            return {"dropped": receipt["target"] if there else None}


@step("recovery.restore_pin")
class RestorePin:
    """Put a copy of the pin in the database's place by renaming; the replaced database is kept.

    Params: `service`, `pin_id`. Copies the pin first unless `recovery.prepare_restore` did. The receipt has `kept`,
    the name under which the replaced database stays, and `held_s`, the seconds of the swap. Undo swaps back, byte for
    byte, keeps in turn what was written meanwhile, and sets the rows of declared tables aside.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        with told():
            dsn = _database(ctx).dsn()
            if (done := effect_of(dsn, ctx.key)) is not None:
                return _receipt(ctx, done)
            return _half_made(ctx, dsn)

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            database, pin = _asked(ctx)
            copied = _prepared(ctx, database, pin)
            ctx.progress(None, database.name)
            done = swap_databases(
                database.dsn(),
                live=database.name,
                incoming=copied["target"],
                keep_as=derived_name(database.name, "kept", mark_of(ctx.run_id)),
                token=ctx.token,
                key=ctx.key,
            )
            return _receipt(ctx, done)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        with told():
            dsn, key = _database(ctx).dsn(), f"{ctx.key}:undo"
            if (left := dropped(ctx, dsn, receipt)) is not None:
                return left
            done = effect_of(dsn, key)
            if done is None and not database_exists(dsn, receipt["kept"]):
                raise NotUndoable(
                    _("The kept database %(name)s is gone: it was dropped, or has been put back already.")
                    % {"name": receipt["kept"]}
                )
            back = done or swap_databases(
                dsn,
                live=receipt["live"],
                incoming=receipt["kept"],
                keep_as=derived_name(receipt["live"], "undone", mark_of(ctx.run_id)),
                token=ctx.token,
                key=key,
            )
            return aside_before_undo(ctx, receipt, back)


def _asked(ctx: StepContext) -> tuple[DatabaseSpec, PinView]:
    database, pin = _database(ctx), get_pin(UUID(ctx.params["pin_id"]))
    refuse_own_server(database.dsn())
    if pin.state is not PinState.READY or not pin.has_data or pin.database != database.name:
        raise StepFailed(
            _("The pin %(pin)s holds no copy of the database %(name)s any more.")
            % {"pin": pin.id, "name": database.name}
        )
    return database, pin


def _database(ctx: StepContext) -> DatabaseSpec:
    return database_of(get_service(ctx.params["service"]))


def _half_made(ctx: StepContext, dsn: str) -> Receipt | None:
    pin = get_pin(UUID(ctx.params["pin_id"]))
    return half_made(ctx, dsn, _copy_name(ctx), key=_copy_key(ctx.run_id), held=pin.copy_name)


def _copy_name(ctx: StepContext) -> str:
    return derived_name(_database(ctx).name, "new", mark_of(ctx.run_id))


def _copy_key(run_id: UUID) -> str:
    return f"{run_id}:incoming"


def _prepared(ctx: StepContext, database: DatabaseSpec, pin: PinView) -> Facts:
    """The run's own copy of the pin, with the properties of then: the one that lies ready, else one made now."""
    ctx.progress(None, pin.copy_name)
    target, key = _copy_name(ctx), _copy_key(ctx.run_id)
    if pin.spare_name:
        ready = adopt_database(
            database.dsn(),
            source=pin.spare_name,
            whole=ready_key(pin.id, pin.spare_name),
            target=target,
            token=ctx.token,
            key=key,
        )
        if ready is not None:
            spare_used(pin.id, pin.spare_name)
            return ready
    if effect_of(database.dsn(), key) is None:
        leave_to_plan(pin.id, database, now=ctx.now())
    return copy_database(
        database.dsn(),
        source=pin.copy_name,
        target=target,
        token=ctx.token,
        key=key,
        properties=Properties(**pin.properties),
    )


def _receipt(ctx: StepContext, done: Facts) -> Receipt:
    return {**done, "pin_id": ctx.params["pin_id"], "database": done["live"]}
