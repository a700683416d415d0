"""Read what a return of data must not bring back."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from bonanca.catalog.documents.commands import read_command
from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import (
    ASKED,
    COMPARED,
    ComparisonSpec,
    ErasureSpec,
    PrivacySpec,
    ServiceView,
    StatementSpec,
)

SQL_LENGTH = 10_000


def read_privacy(reader: Reader) -> PrivacySpec:
    """The part `privacy` of a service."""
    return PrivacySpec(
        erasures=reader.one("erasures", _erasures),
        compare=reader.each("compare", _comparison, _("a comparison")),
        after_restore=reader.each("after_restore", _statement, _("a statement")),
        ask=reader.choice("ask", ASKED, "findings"),
        four_eyes=reader.flag("four_eyes"),
    )


def privacy_fits(reader: Reader, service: ServiceView) -> None:
    """Note what it needs of the rest of the service and does not find."""
    declared = service.privacy
    if declared is None:
        return
    place = reader.entries["privacy"]
    if service.database is None:
        reader.wrong(place, _("%(what)s: privacy asks a database but database is missing") % {"what": reader.what})
    if declared.erasures is not None and declared.erasures.command and service.root is None:
        reader.wrong(
            place,
            _("%(what)s: privacy.erasures.command needs root") % {"what": reader.what},
            _("the folder for releases and process records"),
        )
    names = [comparison.name for comparison in declared.compare]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        message = _("%(what)s: two comparisons are named '%(name)s'")
        reader.wrong(place, message % {"what": reader.what, "name": name})


def _erasures(reader: Reader) -> ErasureSpec:
    statements = reader.words("sql")
    for node in reader.items("sql"):
        _with_parameter(reader, node.line, "sql", str(node.value), "reference")
    found = ErasureSpec(
        find=_sql(reader, "find", "reference", required=True),
        sql=statements,
        command=read_command(reader, "command"),
        query=reader.text("query", limit=SQL_LENGTH),
        forget_after_days=reader.number("forget_after_days", 1.0, minimum=1, maximum=36600)
        if reader.take("forget_after_days") is not None
        else None,
    )
    if not found.sql and not found.command:
        reader.wrong(
            reader.node,
            _("%(what)s: nothing erases again") % {"what": reader.what},
            _("sql, a list of statements with %(parameter)s, or command") % {"parameter": "%(reference)s"},
        )
    return found


def _comparison(reader: Reader) -> ComparisonSpec:
    name = reader.text("name", required=True, limit=100)
    reader.what = _("comparison '%(name)s'") % {"name": name or "?"}
    return ComparisonSpec(
        name=name,
        kind=reader.choice("kind", COMPARED, "other"),
        sql=reader.text("sql", required=True, limit=SQL_LENGTH),
        after=_sql(reader, "after", "key"),
    )


def _statement(reader: Reader) -> StatementSpec:
    return StatementSpec(
        name=reader.text("name", required=True, limit=100),
        sql=reader.text("sql", required=True, limit=SQL_LENGTH),
    )


def _sql(reader: Reader, key: str, parameter: str, *, required: bool = False) -> str:
    text = reader.text(key, required=required, limit=SQL_LENGTH)
    if text:
        _with_parameter(reader, reader.line_of(key), key, text, parameter)
    return text


def _with_parameter(reader: Reader, line: int, key: str, text: str, parameter: str) -> None:
    """A parameter is bound, never pasted into the statement; any other % would be taken for one."""
    wanted = f"%({parameter})s"
    rest = text.replace("%%", "").replace(wanted, "")
    if wanted not in text:
        message = _("%(what)s: %(key)s does not use %(parameter)s")
    elif "%" in rest:
        message = _("%(what)s: %(key)s has a percent sign that is not part of %(parameter)s")
    elif re.search(re.escape("'" + wanted + "'"), text):
        message = _("%(what)s: %(key)s has %(parameter)s in quotes")
    else:
        return
    expected = _("%(parameter)s without quotes; a percent sign is written twice")
    values = {"what": reader.what, "key": key, "parameter": wanted}
    reader.problems.add(reader.node.file, line, message % values, expected % values)
