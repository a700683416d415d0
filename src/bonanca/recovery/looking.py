"""Look at what a return of data would bring back, as points that people can answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.actuators.postgres.databases import database_exists
from bonanca.actuators.postgres.sessions import at_database
from bonanca.catalog.spec import ComparisonSpec, ErasureSpec, PrivacySpec, ServiceView
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.bringing_back import difference, listed_erasures, still_found
from bonanca.recovery.guards import database_of
from bonanca.recovery.operations.open_review import NewPoint
from bonanca.recovery.operations.record_erasure import keep_listed
from bonanca.recovery.queries.privacy import references_of
from bonanca.ui.phrases import Phrase

Say = Callable[[float | None, str], None]

PEOPLE = gettext_noop("%(back)d of %(registered)d people who were erased are in the data that comes back")
PEOPLE_NONE = gettext_noop("None of the %(registered)d people who were erased is in the data that comes back")
PEOPLE_UNSEEN = gettext_noop("The data that comes back can only be looked at once it is in place")
ERASED_AGAIN = gettext_noop("They are erased again before anybody can use the data; if that fails, nobody comes in.")
COMES_BACK = gettext_noop("Only in the data that comes back: %(back)d. With an older value there: %(older)d")
NOTHING_BACK = gettext_noop("Nothing comes back, and nothing has an older value")
ALSO_GONE = gettext_noop(
    "Only in the data that comes back: %(back)d. With an older value there: %(older)d. "
    "Only in the running data: %(gone)d"
)
SAID_FOR_EACH = gettext_noop("The declared statement is said for each of them before anybody can use the data.")
BY_HAND = gettext_noop("Nothing is declared that takes it away: write who does what.")
NOT_COMPARED = gettext_noop("It could not be compared: %(why)s")
NO_RUNNING = gettext_noop("The running database %(name)s is not there: there is nothing to compare with")
ALWAYS_SAID = gettext_noop("Said in the data before anybody can use it")
NOTHING_TO_DO = gettext_noop("Nothing has to be done.")


def look(
    service: ServiceView, privacy: PrivacySpec, *, incoming: str | None, now: datetime, say: Say
) -> list[NewPoint]:
    """The points to be answered; none when nothing comes back and the service asks only then.

    A query that fails is a point too: not knowing is a reason to ask, never a reason to go on.
    """
    points = list(_points(service, privacy, incoming, now, say))
    if privacy.ask == "always":
        return points
    return [point for point in points if point.found.get("quiet") is not True]


def collect_listed(service: ServiceView, database: str, *, now: datetime) -> int:
    """Put whom the service's own list names into the register; returns how many of its entries name nobody.

    Raises:
        QueryFailed, DatabaseUnreachable.
    """
    erasures = service.privacy.erasures if service.privacy else None
    dsn = database_of(service).dsn()
    if erasures is None or not erasures.query or not database_exists(dsn, database):
        return 0
    listed = listed_erasures(at_database(dsn, database), erasures, now=now)
    return keep_listed(service, listed, by=SYSTEM("recovery").label, now=now)[1]


def brought_back(service: ServiceView, dsn: str) -> dict[str, Any]:
    """Evidence of a drill: of how many of the registered people the restored data still tells; {}: none declared.

    A question that fails is evidence too, and does not make the backup a bad one.
    """
    erasures = service.privacy.erasures if service.privacy else None
    if erasures is None:
        return {}
    try:
        references = references_of(service.slug)
        return {"registered": len(references), "back": len(still_found(dsn, erasures, references))}
    except BonancaError as problem:
        return {"error": str(problem)}


def _points(
    service: ServiceView, privacy: PrivacySpec, incoming: str | None, now: datetime, say: Say
) -> Iterator[NewPoint]:
    if privacy.erasures is not None:
        say(None, _("people who were erased"))
        yield _people(service, privacy.erasures, incoming, now)
    for comparison in privacy.compare:
        say(None, comparison.name)
        yield _comparison(service, comparison, incoming)
    for said in privacy.after_restore:
        yield NewPoint("said", Phrase(ALWAYS_SAID), Phrase(NOTHING_TO_DO), said.name, {"quiet": True})


def _people(service: ServiceView, erasures: ErasureSpec, incoming: str | None, now: datetime) -> NewPoint:
    database = database_of(service)
    try:
        nobody = collect_listed(service, database.name, now=now)
        references = references_of(service.slug)
        if incoming is None:
            return NewPoint(
                "people", Phrase(PEOPLE_UNSEEN), Phrase(ERASED_AGAIN), found={"registered": len(references)}
            )
        back = len(still_found(at_database(database.dsn(), incoming), erasures, references))
    except BonancaError as problem:
        return _unknown("people", "", problem)
    numbers = {"registered": len(references), "back": back} | ({"nobody": nobody} if nobody else {})
    text = Phrase(PEOPLE if back else PEOPLE_NONE, numbers)
    return NewPoint(
        "people", text, Phrase(ERASED_AGAIN if back else NOTHING_TO_DO), found=numbers | {"quiet": not back}
    )


def _comparison(service: ServiceView, comparison: ComparisonSpec, incoming: str | None) -> NewPoint:
    database, kind, name = database_of(service), comparison.kind, comparison.name
    try:
        dsn = database.dsn()
        if incoming is None:
            return NewPoint(kind, Phrase(PEOPLE_UNSEEN), _remedy(comparison), name, needs_note=not comparison.after)
        if not database_exists(dsn, database.name):
            text = Phrase(NO_RUNNING, {"name": database.name})
            return NewPoint(kind, text, Phrase(BY_HAND), name, needs_note=True)
        found = difference(at_database(dsn, database.name), at_database(dsn, incoming), comparison)
    except BonancaError as problem:
        return _unknown(kind, name, problem)
    facts = found.facts()
    if not found.to_take_away:
        return NewPoint(kind, Phrase(NOTHING_BACK), Phrase(NOTHING_TO_DO), name, facts | {"quiet": True})
    numbers = {number: facts[number] for number in ("back", "older", "gone")}
    text = Phrase(ALSO_GONE if found.gone else COMES_BACK, numbers)
    return NewPoint(kind, text, _remedy(comparison), name, facts, needs_note=not comparison.after)


def _remedy(comparison: ComparisonSpec) -> Phrase:
    return Phrase(SAID_FOR_EACH if comparison.after else BY_HAND)


def _unknown(kind: str, name: str, problem: BonancaError) -> NewPoint:
    return NewPoint(kind, Phrase(NOT_COMPARED, {"why": str(problem)}), Phrase(BY_HAND), name, needs_note=True)
