"""Read how a service goes back."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonanca.catalog.documents.commands import read_command
from bonanca.catalog.documents.reader import EMAIL, Reader
from bonanca.catalog.documents.verification import at_least, checks_fit, one_expectation, read_verify
from bonanca.catalog.spec import (
    APPROVALS,
    AUDIENCES,
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
    return RollbackSpec(
        strategy=reader.choice("strategy", STRATEGIES, "instant"),
        announce=_announce(reader),
        pause=read_command(reader, "pause"),
        resume=read_command(reader, "resume"),
        drain_s=reader.number("drain_s", 10.0, above=True, maximum=3600),
        verify=reader.each("verify", read_verify, _("a check")),
        watch=reader.one("watch", _watch) or WatchSpec(),
        kept_for_h=reader.number("kept_for_h", 168.0, above=True, maximum=24 * 366),
        criteria=reader.one("criteria", _criteria) or CriteriaSpec(),
        approval=reader.choice("approval", APPROVALS, "at_risk"),
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
