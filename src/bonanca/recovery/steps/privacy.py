"""Before and after data goes back: `recovery.review`, `recovery.reapply_erasures`, `recovery.check_erasures` (D7).

Params of all: `service`; optional `database`, the name that the returned data gets (default: the service's own).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.postgres.databases import database_exists
from bonanca.actuators.postgres.fencing import Facts, effect_of, guarded, session_name
from bonanca.actuators.postgres.sessions import at_database, derived_name, session
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import PrivacySpec, ServiceView
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import StepFailed, StepWaits
from bonanca.durable.registry import step
from bonanca.recovery.bringing_back import SAY_TIMEOUT_S, Difference, difference, still_found, take_away
from bonanca.recovery.erasing import erase_by_command
from bonanca.recovery.guards import database_of, refuse_own_server
from bonanca.recovery.looking import collect_listed, look
from bonanca.recovery.operations.open_review import open_review
from bonanca.recovery.operations.record_reapplied import record_reapplied
from bonanca.recovery.queries.privacy import references_of, review_answered, review_by_key
from bonanca.recovery.steps.support import mark_of, reporting, told
from bonanca.recovery.views.privacy import ReviewView
from bonanca.ui.phrases import Phrase

WAITING = gettext_noop("%(count)d points that the return of data brings back have to be looked at")


@step("recovery.review")
class LookAtReturn:
    """Ask people about what the loaded data would bring back, while the service still runs. Nothing is touched."""

    unskippable = gettext_noop("What a return brings back has to be looked at by a person before it does.")

    def check(self, ctx: StepContext) -> Receipt | None:
        found = review_by_key(ctx.key)
        return None if found is None or not review_answered(ctx.key) else _receipt(found)

    def apply(self, ctx: StepContext) -> Receipt:
        found = review_by_key(ctx.key)
        if found is None:
            with told():
                found = self._open(ctx)
        if review_answered(ctx.key):
            return _receipt(found)
        raise StepWaits(
            Phrase(WAITING, {"count": found.left}),
            path=f"/reviews/{found.id}/",
            over=lambda: review_answered(ctx.key),
        )

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {}

    def _open(self, ctx: StepContext) -> ReviewView:
        service, privacy = _asked(ctx)
        points = look(service, privacy, incoming=_incoming(ctx), now=ctx.now(), say=reporting(ctx))
        return open_review(
            key=ctx.key,
            run_id=ctx.run_id,
            service=service.slug,
            points=points,
            four_eyes=privacy.four_eyes,
            context=ctx.context,
            now=ctx.now(),
        )


@step("recovery.reapply_erasures")
class ReapplyErasures:
    """Erase again and revoke again in the loaded data, before it gets the service's name; the receipt has no names.

    Undo looks at the database that took its place again: who was erased since is erased there too. Without such people
    that database stays byte for byte what it was.
    """

    unskippable = gettext_noop("People who were erased would be back.")

    def check(self, ctx: StepContext) -> Receipt | None:
        with told():
            return effect_of(_dsn(ctx), ctx.key)

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            service, privacy = _asked(ctx)
            incoming, running, at = _incoming(ctx), database_of(service).name, ctx.now()
            if incoming is None:
                # Another way of going back: the check that follows does it on the database that is in place then.
                return {"deferred": True, "at": at.isoformat()}
            nobody = collect_listed(service, running, now=at)
            found = _compared(service, privacy, running, incoming) if running != incoming else {}
            return _made_good(ctx, service, privacy, incoming, references_of(service.slug), found, at, nobody=nobody)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        with told():
            service, privacy = _asked(ctx)
            live = database_of(service).name
            if ctx.params.get("database") not in (None, live) or privacy.erasures is None:
                return {"erased": 0}
            done = effect_of(_dsn(ctx), f"{ctx.key}:undo")
            if done is not None:
                return done
            undone = derived_name(live, "undone", mark_of(ctx.run_id))
            if database_exists(_dsn(ctx), undone):
                collect_listed(service, undone, now=ctx.now())
            only = PrivacySpec(erasures=privacy.erasures)
            return _made_good(ctx, service, only, live, references_of(service.slug), {}, ctx.now(), suffix=":undo")


@step("recovery.check_erasures")
class CheckErasures:
    """Before anybody comes in: none of the erased is found in the database that is in place; else erase them there.

    The service's own program (`privacy.erasures.command`) runs here, in the folder of the running release.
    """

    unskippable = gettext_noop("Nobody would know whether people who were erased are back.")

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            service, privacy = _asked(ctx)
            database = ctx.params.get("database") or database_of(service).name
            if privacy.erasures is None:
                return self._rest(ctx, service, privacy, database)
            dsn, references = at_database(_dsn(ctx), database), references_of(service.slug)
            back = still_found(dsn, privacy.erasures, references)
            receipt = self._rest(ctx, service, privacy, database, back)
            if back and privacy.erasures.command:
                erase_by_command(ctx, service, privacy.erasures, back)
            left = still_found(dsn, privacy.erasures, references)
            if left:
                raise StepFailed(
                    _("%(count)d people who were erased are still found in %(database)s.")
                    % {"count": len(left), "database": database},
                    hint=_(
                        "Correct `privacy.erasures` in bonanca.yaml and apply it, then retry: nobody comes in before."
                    ),
                )
            record_reapplied(
                ctx.run_id, service.slug, len(references), _came_back(ctx, len(back)), ctx.context, ctx.now()
            )
            return receipt | {"registered": len(references), "found": 0}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {}

    def _rest(
        self, ctx: StepContext, service: ServiceView, privacy: PrivacySpec, database: str, back: Sequence[str] = ()
    ) -> Receipt:
        """What no earlier step did: everything where the data came by another way, else people who are still there."""
        earlier = next((one for one in ctx.receipts.values() if one.get("deferred")), None)
        kept = next((str(one["kept"]) for one in ctx.receipts.values() if one.get("kept") and "live" in one), None)
        if earlier is None and (not back or privacy.erasures is None or not privacy.erasures.sql):
            return {"again": 0}
        wanted = privacy if earlier is not None else PrivacySpec(erasures=privacy.erasures)
        found = _compared(service, wanted, kept, database) if kept else {}
        done = _made_good(ctx, service, wanted, database, back, found, ctx.now(), anew=True)
        return {"again": done["erased"], "taken_away": done["taken_away"]}


def _made_good(
    ctx: StepContext,
    service: ServiceView,
    privacy: PrivacySpec,
    database: str,
    references: Sequence[str],
    found: dict[str, Difference],
    at: datetime,
    *,
    suffix: str = "",
    anew: bool = False,
    nobody: int = 0,
) -> Facts:
    """Say the statements in one transaction, fenced, once under the step's key; see that nobody is left.

    `nobody`: how many entries of the service's own list name nobody; the receipt tells, and it holds nothing up.

    `anew`: `references` are those who were found just now, and it is said again whatever was said before.
    """
    dsn, key = _dsn(ctx), f"{ctx.key}{suffix}"
    refuse_own_server(dsn)
    with guarded(dsn, ctx.token, database=database) as guard:
        done = None if anew else guard.effect(key)
        if done is not None:
            return done
        there = at_database(dsn, database)
        back = list(references) if anew else _back(there, privacy, references)
        taken_away = {name: len(one.to_take_away) for name, one in found.items()}
        noted: Facts = {"erased": len(back), "taken_away": taken_away}
        if not anew:
            # A worker that dies after saying it is followed by one that finds nobody: what was found first counts.
            noted = guard.record(f"{key}:found", "erasures_found", database, noted)
        with session(there, name=session_name(ctx.token), timeout_s=SAY_TIMEOUT_S) as connection:
            take_away(connection, privacy, back, found)
        point("recovery.erasures.said")
        left = _back(there, privacy, back) if privacy.erasures is not None and privacy.erasures.sql else []
        if left:
            raise StepFailed(
                _("%(count)d people are found in %(database)s after erasing them again.")
                % {"count": len(left), "database": database},
                hint=_("Correct `privacy.erasures` in bonanca.yaml and apply it, then retry."),
            )
        said = [one.name for one in privacy.after_restore]
        facts: Facts = {"registered": len(references), **noted, "said": said, "at": at.isoformat()}
        facts |= {"list_names_nobody": nobody} if nobody else {}
        return facts if anew else guard.record(key, "erasures", database, facts)


def _back(dsn: str, privacy: PrivacySpec, references: Sequence[str]) -> list[str]:
    return still_found(dsn, privacy.erasures, references) if privacy.erasures is not None else []


def _compared(service: ServiceView, privacy: PrivacySpec, running: str, returned: str) -> dict[str, Difference]:
    dsn = database_of(service).dsn()
    if not database_exists(dsn, running):
        return {}
    wanted = [comparison for comparison in privacy.compare if comparison.after]
    return {one.name: difference(at_database(dsn, running), at_database(dsn, returned), one) for one in wanted}


def _came_back(ctx: StepContext, now_found: int) -> int:
    return now_found + sum(int(one.get("erased", 0)) for one in ctx.receipts.values() if "taken_away" in one)


def _asked(ctx: StepContext) -> tuple[ServiceView, PrivacySpec]:
    service = get_service(ctx.params["service"])
    return service, service.privacy or PrivacySpec()


def _dsn(ctx: StepContext) -> str:
    return database_of(get_service(ctx.params["service"])).dsn()


def _incoming(ctx: StepContext) -> str | None:
    """The database that an earlier step of this plan loaded, while it has not got its name; by the name all give it."""
    loaded = derived_name(database_of(get_service(ctx.params["service"])).name, "new", mark_of(ctx.run_id))
    return loaded if database_exists(_dsn(ctx), loaded) else None


def _receipt(found: ReviewView) -> Receipt:
    return {"review_id": str(found.id), "points": len(found.points), "state": found.state.value}
