"""Restores as steps: `recovery.restore_preflight`, `restore_load`, `restore_check`, `restore_place`.

Params of all: `service`, `backup_id`, `target` ({kind, value}), `mode`, `database`, and optionally `identity_file` and
`restore_id` (a restore of its own; without it the plan's run gives the name to what is opened).
"""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.postgres.databases import database_exists, drop_database, swap_databases
from bonanca.actuators.postgres.fencing import effect_of
from bonanca.actuators.postgres.properties import DatabaseMissing, Properties, properties_of
from bonanca.actuators.postgres.restoring import place_database, restore_as_new, retire_database
from bonanca.actuators.postgres.sessions import at_database, derived_name, maintenance_dsn, session
from bonanca.actuators.preflight import refuse
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import DatabaseSpec
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import NotUndoable, StepFailed
from bonanca.durable.registry import step
from bonanca.recovery.checks import checks_of
from bonanca.recovery.engines import (
    Opening,
    Target,
    chains,  # noqa: F401 - registers what the retention policy must keep
    engine_named,
)
from bonanca.recovery.guards import database_of, refuse_own_server
from bonanca.recovery.judging import identities_for, judge
from bonanca.recovery.parallel_dump import restore_jobs
from bonanca.recovery.queries import get_backup
from bonanca.recovery.scratch import Findings, compare_counts, held, run_checks
from bonanca.recovery.state import RestoreMode, RestorePart
from bonanca.recovery.steps.half_made import dropped, half_made
from bonanca.recovery.steps.set_aside import aside_before_undo
from bonanca.recovery.steps.support import identity_file_of, mark_of, reporting, told
from bonanca.recovery.steps.workspace import workspace
from bonanca.recovery.verdicts import NO


@step("recovery.restore_preflight")
class RestorePreflight:
    """Ask everything again: the preview may be half an hour old. Nothing is touched, and nothing has to be undone."""

    unskippable = gettext_noop("Without these checks a restore could fill the disk or take a name that is in use.")

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            found = judge(
                get_service(ctx.params["service"]),
                get_backup(UUID(ctx.params["backup_id"])),
                Target(**ctx.params["target"]),
                mode=RestoreMode(ctx.params["mode"]),
                database=ctx.params["database"],
                identity_file=identity_file_of(ctx),
                part=RestorePart(ctx.params.get("part", RestorePart.DATABASE)),
                folder=ctx.params.get("folder", ""),
            )
        standing = [(one.words, one.facts) for one in found if one.answer == NO]
        refuse(standing, hint=_("Nothing was touched. Remove the cause, then retry."))
        return {"verdict": [one.to_json() for one in found]}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {}


@step("recovery.restore_load")
class RestoreLoad:
    """Open the backup on this machine and load it into a database of its own name. Undo drops that database."""

    def check(self, ctx: StepContext) -> Receipt | None:
        with told():
            dsn = _database(ctx).dsn()
            name = _building(ctx)
            return effect_of(dsn, ctx.key) or half_made(ctx, dsn, name, key=ctx.key, held=name)

    def apply(self, ctx: StepContext) -> Receipt:
        with told(), workspace(ctx) as folder:
            service, database = get_service(ctx.params["service"]), _database(ctx)
            dsn, say = database.dsn(), reporting(ctx)
            refuse_own_server(dsn)
            backup = get_backup(UUID(ctx.params["backup_id"]))
            opening = Opening(
                service,
                backup,
                Target(**ctx.params["target"]),
                folder,
                identities_for(service, identity_file_of(ctx), engine=backup.engine),
                say,
            )
            archive = engine_named(backup.engine).open(opening)
            expected = max(1, backup.database_bytes)

            def watch(size: int) -> None:
                text = _("%(megabytes).1f MB restored") % {"megabytes": size / 1e6}
                say(min(0.95, 0.4 + 0.55 * size / expected), text)

            return restore_as_new(
                dsn,
                archive=archive.path,
                target=_building(ctx),
                like=database.name,
                token=ctx.token,
                key=ctx.key,
                properties=_properties(dsn, database.name),
                jobs=restore_jobs(service),
                watch=watch,
                extra={
                    "engine": backup.engine,
                    "row_counts": dict(archive.row_counts),
                    "places": opening.places,
                    "phases": opening.seconds,
                },
            )

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        with told():
            dsn = _database(ctx).dsn()
            if (left := dropped(ctx, dsn, receipt)) is not None:
                return left
            # After it was placed there is no database of this name any more: placing has its own undo.
            there = drop_database(dsn, name=receipt["target"], token=ctx.token)
            return {"dropped": receipt["target"] if there else None}


@step("recovery.restore_check")
class RestoreCheck:
    """Compare the rows of every table with the backup's and ask the service's checks, before it gets its name."""

    unskippable = gettext_noop("What nobody has compared with the backup must not be called restored.")

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        loaded = _loaded(ctx)
        with told():
            findings = Findings()
            dsn = at_database(_database(ctx).dsn(), loaded["target"])
            compare_counts(dsn, loaded["row_counts"], findings)
            run_checks(dsn, checks_of(get_service(ctx.params["service"])), findings)
            held(findings)
        facts = findings.to_json()
        return {"counts": facts["counts"], "checks": facts["checks"]}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {}


@step("recovery.restore_place")
class RestorePlace:
    """Give the restored database its name; whatever had it is kept. Undo puts that back and keeps the restored one."""

    def check(self, ctx: StepContext) -> Receipt | None:
        with told():
            return effect_of(_database(ctx).dsn(), ctx.key)

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            name = ctx.params["database"]
            ctx.progress(None, name)
            return place_database(
                _database(ctx).dsn(),
                incoming=_loaded(ctx)["target"],
                target=name,
                keep_as=derived_name(name, "kept", mark_of(ctx.run_id)),
                token=ctx.token,
                key=ctx.key,
            )

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        dsn, key, live, kept = _database(ctx).dsn(), f"{ctx.key}:undo", receipt["live"], receipt["kept"]
        undone = derived_name(live, "undone", mark_of(ctx.run_id))
        with told():
            done = effect_of(dsn, key)
            if done is not None:
                return self._aside(ctx, receipt, done)
            if kept is None:
                return retire_database(dsn, name=live, keep_as=undone, token=ctx.token, key=key)
            if not database_exists(dsn, kept):
                raise NotUndoable(
                    _("The kept database %(name)s is gone: it was dropped, or has been put back already.")
                    % {"name": kept}
                )
            back = swap_databases(dsn, live=live, incoming=kept, keep_as=undone, token=ctx.token, key=key)
            return self._aside(ctx, receipt, back)

    def _aside(self, ctx: StepContext, forth: Receipt, back: Receipt) -> Receipt:
        """The rows written since; a restore of its own names no pin, and only keeps the database that has them."""
        return aside_before_undo(ctx, forth, back) if "pin_id" in ctx.params else back


def _loaded(ctx: StepContext) -> Receipt:
    for receipt in ctx.receipts.values():
        if "row_counts" in receipt and "target" in receipt:
            return receipt
    raise StepFailed(_("No earlier step of this plan restored a database."))


def _building(ctx: StepContext) -> str:
    return derived_name(_database(ctx).name, "new", mark_of(ctx.run_id))


def _properties(dsn: str, name: str) -> Properties | None:
    """Those of the service's database, so that the restored one can stand in its place. None: it is gone."""
    with session(maintenance_dsn(dsn)) as connection:
        try:
            return properties_of(connection, name)
        except DatabaseMissing:
            return None


def _database(ctx: StepContext) -> DatabaseSpec:
    return database_of(get_service(ctx.params["service"]))
