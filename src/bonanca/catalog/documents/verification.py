"""Read checks from outside: HTTP, SQL, an open port, the team's own program."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from bonanca.catalog.documents.commands import read_command
from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import ServiceView, VerifySpec

_KINDS = ("http", "sql", "tcp", "command")
_PORT = re.compile(r"(?:\[[0-9A-Fa-f:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):([0-9]{1,5})")


def read_verify(reader: Reader) -> VerifySpec:
    """One check of exactly one kind."""
    name = reader.text("name", required=True, limit=100)
    reader.what = _("check '%(name)s'") % {"name": name or "?"}
    check = VerifySpec(
        name=name,
        http=reader.http_path("http") or None,
        expect_status=reader.integer("expect_status", 200, minimum=100, maximum=599),
        contains=reader.text("contains") or None,
        sql=reader.text("sql", limit=10_000) or None,
        equals=reader.scalar("equals"),
        at_least=at_least(reader),
        tcp=_tcp(reader),
        command=read_command(reader, "command"),
        timeout_s=reader.number("timeout_s", 60.0, above=True, maximum=3600),
        affects=_affects(reader),
    )
    if sum(kind in reader.entries for kind in _KINDS) != 1:
        reader.wrong(
            reader.node, _("%(what)s: needs exactly one of http, sql, tcp and command") % {"what": reader.what}
        )
    elif check.sql:
        one_expectation(reader, check.equals, check.at_least)
    return check


def at_least(reader: Reader) -> float | None:
    """The smallest number that a query may answer; None when nothing was said."""
    return reader.number("at_least", 0.0, minimum=-1e12) if reader.take("at_least") is not None else None


def one_expectation(reader: Reader, equals: object, least: object) -> None:
    """Note a query that expects nothing, or two things."""
    if (equals is None) == (least is None):
        reader.wrong(reader.node, _("%(what)s: a query needs either equals or at_least") % {"what": reader.what})


def checks_fit(reader: Reader, service: ServiceView, checks: tuple[VerifySpec, ...], key: str) -> None:
    """Note checks that the rest of the service gives nothing to ask, and names that are used twice."""
    place = reader.entries.get(key, reader.node)
    for check in checks:
        if check.sql and service.database is None:
            message = _("%(what)s: check '%(name)s' asks a database but database is missing")
            reader.wrong(place, message % {"what": reader.what, "name": check.name})
        if check.command and service.root is None:
            message = _("%(what)s: check '%(name)s' runs a command in the release's folder but root is missing")
            reader.wrong(place, message % {"what": reader.what, "name": check.name})
    names = [check.name for check in checks]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        message = _("%(what)s: two checks are named '%(name)s'")
        reader.wrong(place, message % {"what": reader.what, "name": name})


def _tcp(reader: Reader) -> str | None:
    expected = _("a host and a port, such as 127.0.0.1:5432")
    given = reader.pattern("tcp", _PORT, expected)
    found = _PORT.fullmatch(given)
    if found is not None and not 1 <= int(found[1]) <= 65535:
        reader.bad(reader.entries["tcp"], "tcp", expected)
    return given or None


def _affects(reader: Reader) -> tuple[str, ...]:
    found = []
    for node in reader.items("affects"):
        if isinstance(node.value, str) and re.fullmatch(r"/[^\s\x00-\x1f`]{0,199}", node.value):
            found.append(node.value)
        else:
            reader.bad(node, "affects", _("paths such as /checkout"))
    return tuple(found)
