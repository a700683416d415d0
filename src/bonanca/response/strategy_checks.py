"""What a strategy needs of the data before anything is touched, and what it means for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.db import connection
from django.utils.translation import gettext_noop

from bonanca.actuators.postgres.databases import database_exists
from bonanca.actuators.postgres.sessions import system_identifier
from bonanca.actuators.preflight import unanswered
from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.operations.choose_return import choose_return, judge_return
from bonanca.recovery.queries.privacy import register_problem
from bonanca.recovery.views import PinView
from bonanca.response.schema_change import schema_change
from bonanca.response.views import CheckResult

DATA_THERE = gettext_noop("The pinned database is there: %(name)s")
DATA_GONE = gettext_noop("The pinned database %(name)s is gone")
NO_COPY = gettext_noop("The state before the change was pinned without a copy of the database")
PINNED_BY_LOG = gettext_noop(
    "The state before the change was pinned without a copy of the database, as a position in the log: choose the "
    "strategy point_in_time"
)
JOURNAL_ELSEWHERE = gettext_noop("The journal of this plan is on another server than the data")
JOURNAL_HERE = gettext_noop(
    "The service's database is on the server that holds this plan's own journal: restoring it could lose the plan"
)
NOT_ANSWERED = gettext_noop("%(what)s could not be checked: %(why)s")
SAME_SCHEMA = gettext_noop("The data stays, and its schema is the one that the earlier code knew")
ONLY_ADDED = gettext_noop(
    "The data stays as the migrations left it. Added since, and no obstacle to the earlier code: %(names)s"
)
BROKEN_SCHEMA = gettext_noop(
    "The data stays as the migrations left it, and the earlier code cannot work with it: %(names)s"
)
SCHEMA_UNKNOWN = gettext_noop(
    "The data stays as the migrations left it. Whether the earlier code can work with it is not known: the pinned "
    "copy that would tell is gone"
)
GOES_TO_MOMENT = gettext_noop("The data goes back to %(at)s, by the backup of %(backup_at)s and the log since")
GOES_TO_DUMP = gettext_noop("The data goes back to %(at)s: that dump is the newest from before the change")
NO_PHYSICAL = gettext_noop("There is no physical backup from before the change: the log has nothing to go on from")
NO_DUMP = gettext_noop("There is no dump from before the change")
NO_POSITION = gettext_noop("The state before the change was pinned without a position in the log")
NAMES_SHOWN = 8


def asked(what: str, question: Callable[[], CheckResult]) -> CheckResult:
    """Return the answer; a question that fails is an answer too."""
    try:
        return question()
    except BonancaError as failure:
        return CheckResult(False, NOT_ANSWERED, unanswered(what, failure))


def instant_checks(service: ServiceView, pin: PinView) -> tuple[CheckResult, ...]:
    """The pinned copy is there, and on another server than our own records."""
    if service.database is None:
        return ()
    if not pin.copy_name:
        return (CheckResult(False, PINNED_BY_LOG if pin.point else NO_COPY),)
    found = (asked("data", lambda: _data(service, pin)), asked("journal", lambda: _journal(service)))
    unreadable = register_problem(service)
    facts = {"what": "privacy.erasures", "why": unreadable}
    return (*found, CheckResult(False, NOT_ANSWERED, facts)) if unreadable else found


def keep_data_checks(service: ServiceView, pin: PinView) -> tuple[CheckResult, ...]:
    """The earlier code can work with the schema as it is now."""
    return () if service.database is None else (asked("schema", lambda: _schema(service, pin)),)


def return_checks(engine: str) -> Callable[[ServiceView, PinView], tuple[CheckResult, ...]]:
    """What a restore of the chosen backup needs: the backup, its key and log, room, rights, and a server of its own."""

    def checks(service: ServiceView, pin: PinView) -> tuple[CheckResult, ...]:
        if service.database is None:
            return ()
        if engine == "physical" and not (pin.lsn or pin.point):
            return (CheckResult(False, NO_POSITION),)
        found = choose_return(service, pin, engine)
        if found.backup_id is None or found.backup_at is None:
            return (CheckResult(False, NO_PHYSICAL if engine == "physical" else NO_DUMP),)
        words = GOES_TO_MOMENT if engine == "physical" else GOES_TO_DUMP
        facts = {"at": _utc(found.at), "backup_at": _utc(found.backup_at)}
        return (CheckResult(True, words, facts), *_verdict(service, pin, engine))

    return checks


def _verdict(service: ServiceView, pin: PinView, engine: str) -> tuple[CheckResult, ...]:
    try:
        found = judge_return(service, pin, engine)
    except BonancaError as failure:
        return (CheckResult(False, NOT_ANSWERED, {"what": "data", "why": str(failure)}),)
    return tuple(CheckResult(not one.refuses, one.text, dict(one.facts), warns=one.unsure) for one in found)


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _data(service: ServiceView, pin: PinView) -> CheckResult:
    assert service.database is not None
    there = database_exists(service.database.dsn(), pin.copy_name)
    return CheckResult(there, DATA_THERE if there else DATA_GONE, {"name": pin.copy_name})


def _journal(service: ServiceView) -> CheckResult:
    assert service.database is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier FROM pg_control_system()")
        ours = str(cursor.fetchone()[0])
    elsewhere = str(system_identifier(service.database.dsn())) != ours
    return CheckResult(elsewhere, JOURNAL_ELSEWHERE if elsewhere else JOURNAL_HERE)


def _schema(service: ServiceView, pin: PinView) -> CheckResult:
    assert service.database is not None
    dsn = service.database.dsn()
    if not pin.copy_name or not database_exists(dsn, pin.copy_name):
        return CheckResult(True, SCHEMA_UNKNOWN, warns=True)
    found = schema_change(dsn, pinned=pin.copy_name)
    if found.breaks:
        return CheckResult(False, BROKEN_SCHEMA, {"names": _some(found.breaks)})
    if found.added:
        return CheckResult(True, ONLY_ADDED, {"names": _some(found.added)}, warns=True)
    return CheckResult(True, SAME_SCHEMA)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:NAMES_SHOWN]) + (" …" if len(names) > NAMES_SHOWN else "")
