"""Read how a service goes back."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonanca.catalog.documents.commands import read_command
from bonanca.catalog.documents.nodes import Node
from bonanca.catalog.documents.reader import EMAIL, Reader
from bonanca.catalog.documents.verification import at_least, checks_fit, one_expectation, read_verify
from bonanca.catalog.spec import (
    APPROVALS,
    AUDIENCES,
    PINS,
    SEVERITIES,
    STRATEGIES,
    CriteriaSpec,
    Question,
    RollbackSpec,
    ServiceView,
    WatchSpec,
)

DAY_S = 86_400.0


def read_rollback(reader: Reader) -> RollbackSpec:
    """The way back; everything has a default."""
    pin = reader.choice("pin", PINS, "copy")
    return RollbackSpec(
        # Without a copy there is nothing that could be put in place at once.
        strategy=reader.choice("strategy", STRATEGIES, "point_in_time" if pin == "log" else "instant"),
        announce=_announce(reader),
        pause=read_command(reader, "pause"),
        resume=read_command(reader, "resume"),
        drain_s=reader.number("drain_s", 10.0, above=True, maximum=3600),
        verify=reader.each("verify", read_verify, _("a check")),
        watch=reader.one("watch", _watch) or WatchSpec(),
        kept_for_h=reader.number("kept_for_h", 168.0, above=True, maximum=24 * 366),
        criteria=reader.one("criteria", _criteria) or CriteriaSpec(),
        approval=reader.choice("approval", APPROVALS, "at_risk"),
        pin=pin,
        ready_copy=reader.flag("ready_copy"),
    )


def rollback_fits(reader: Reader, service: ServiceView) -> None:
    """Note what the declared way back needs of the rest of the service and does not find."""
    declared = service.rollback
    if declared is None:
        return
    checks_fit(reader, service, (*service.verify, *declared.verify) if declared.verify else (), "rollback")
    place = reader.entries["rollback"]
    if declared.criteria.business is not None and service.database is None:
        reader.wrong(
            place,
            _("%(what)s: rollback.criteria.business asks a database but database is missing") % {"what": reader.what},
        )
    _data_fits(reader, place, service, declared)
    if bool(declared.pause) != bool(declared.resume):
        reader.wrong(
            place,
            _("%(what)s: rollback has only one of pause and resume") % {"what": reader.what},
            _("both: what is held has to go on again"),
        )
    if (declared.pause or declared.resume) and service.root is None:
        reader.wrong(
            place,
            _("%(what)s: rollback.pause and rollback.resume need root") % {"what": reader.what},
            _("the folder for releases and process records"),
        )


def _data_fits(reader: Reader, place: Node, service: ServiceView, declared: RollbackSpec) -> None:
    """The declared pin and strategy have what they go back by."""
    backup = service.backup
    logged = backup is not None and backup.physical is not None and backup.physical.wal is not None
    what = {"what": reader.what}
    if declared.strategy == "point_in_time" and not logged:
        reader.wrong(place, _("%(what)s: rollback.strategy point_in_time needs the archived log") % what, _archived())
    elif declared.pin == "log" and not logged:
        reader.wrong(place, _("%(what)s: rollback.pin log needs the archived log") % what, _archived())
    if declared.strategy == "logical" and (backup is None or backup.physical is not None):
        reader.wrong(
            place, _("%(what)s: rollback.strategy logical needs dumps") % what, _("backup with engine: logical")
        )
    if declared.strategy == "instant" and declared.pin == "log":
        reader.wrong(
            place,
            _("%(what)s: rollback.pin log keeps no copy that strategy instant could put in place") % what,
            _("strategy: point_in_time, or pin: copy or snapshot"),
        )


def _archived() -> str:
    return _("backup with engine: physical and wal")


def _announce(reader: Reader) -> tuple[str, ...]:
    if reader.take("announce") is None:
        return RollbackSpec.announce
    found = []
    for node in reader.items("announce"):
        word = str(node.value).lower() if isinstance(node.value, str) else ""
        if word in AUDIENCES or EMAIL.fullmatch(word):
            found.append(word)
        else:
            expected = _("%(words)s, or an e-mail address") % {"words": ", ".join(AUDIENCES)}
            reader.bad(node, "announce", expected)
    return tuple(dict.fromkeys(found))


def _watch(reader: Reader) -> WatchSpec:
    return WatchSpec(
        seconds=reader.number("seconds", 15.0, above=True, maximum=DAY_S),
        tolerated_percent=reader.number("tolerated_percent", 1.0, maximum=100),
    )


def _criteria(reader: Reader) -> CriteriaSpec:
    plain = CriteriaSpec()
    return CriteriaSpec(
        failed_percent=reader.number("failed_percent", plain.failed_percent, above=True, maximum=100),
        failed_requests=reader.integer("failed_requests", plain.failed_requests, minimum=1, maximum=10**9),
        budget_percent=reader.number("budget_percent", plain.budget_percent, above=True, maximum=1e6),
        severity=reader.choice("severity", SEVERITIES, plain.severity),
        history_days=reader.number("history_days", plain.history_days, above=True, maximum=3660),
        needed=reader.integer("needed", plain.needed, minimum=1, maximum=8),
        business=reader.one("business", read_question),
        automatic=reader.flag("automatic"),
    )


def read_question(reader: Reader) -> Question:
    """A query and the one answer that means that all is well."""
    asked = Question(
        sql=reader.text("sql", required=True, limit=10_000), equals=reader.scalar("equals"), at_least=at_least(reader)
    )
    one_expectation(reader, asked.equals, asked.at_least)
    return asked
