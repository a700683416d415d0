"""Read `reexecution`: where failed work is listed, and how one of it is done again."""

from __future__ import annotations

import re
from itertools import pairwise

from django.utils.translation import gettext as _

from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import METHODS, AgainSpec, HttpAgain, LogSource, ReexecutionSpec, ServiceView, SourceSpec

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_PARAMETER = re.compile(r"%(?:\(([a-z_]+)\)s|(%)|(.?))", re.DOTALL)
# `sh -c`, `bash -ec`, `perl -e`: what follows is a program, and what stands in it is read as one.
_SCRIPT = re.compile(r"-[a-z]*[ce]")
_BASE = re.compile(r"https?://[^/\s?#@]+(/[^\s?#]*)?")
_LISTING = ("python", "port", "config", "release", "since", "until")
_AGAIN = ("python", "port", "config", "release", "key")


def read_reexecution(reader: Reader) -> ReexecutionSpec:
    """The declared sources; limits have defaults."""
    usual = ReexecutionSpec()
    found = ReexecutionSpec(
        sources=reader.each("sources", _source, _("a source"), required=True),
        rate_per_s=reader.number("rate_per_s", usual.rate_per_s, above=True, maximum=10_000),
        stop_percent=reader.number("stop_percent", usual.stop_percent, above=True, maximum=100),
        keep_payloads_h=reader.number("keep_payloads_h", usual.keep_payloads_h, above=True, maximum=24 * 366),
    )
    names = [source.name for source in found.sources]
    if len(set(names)) != len(names):
        reader.wrong(reader.entries["sources"], _("%(what)s: two sources have the same name") % {"what": reader.what})
    return found


def reexecution_fits(reader: Reader, service: ServiceView) -> None:
    """Note what the declared sources need of the rest of the service and do not find."""
    declared = service.reexecution
    if declared is None:
        return
    place = reader.entries["reexecution"]
    for source in declared.sources:
        again, missing = source.again, ""
        if (source.sql or again.sql) and service.database is None:
            missing = "database"
        elif again.replay and not service.replay:
            missing = "replay"
        elif again.http and not again.http.base and not (service.run and service.run.replicas):
            missing = "run.replicas"
        elif again.http and not source.log and ("{path}" in again.http.path or not again.http.method):
            missing = _("again.http with method and path")
        if missing:
            reader.wrong(
                place,
                _("%(what)s: reexecution source %(source)s needs %(missing)s")
                % {"what": reader.what, "source": repr(source.name), "missing": missing},
            )


def _source(reader: Reader) -> SourceSpec:
    name = reader.slug("name", required=True)
    source = SourceSpec(
        name=name,
        again=reader.one("again", _again, required=True) or AgainSpec(),
        sql=_statement(reader, "sql", ("since", "until")),
        log=reader.one("log", _log),
        command=_command(reader, "command", _LISTING),
    )
    _exactly_one(reader, (source.sql, source.log, source.command), _("one of sql, log and command"))
    return source


def _again(reader: Reader) -> AgainSpec:
    again = AgainSpec(
        http=reader.one("http", _http),
        sql=_statement(reader, "sql", ("key", "payload")),
        command=_command(reader, "command", _AGAIN),
        replay=reader.flag("replay"),
        timeout_s=reader.number("timeout_s", 60.0, above=True, maximum=3600),
    )
    _exactly_one(
        reader, (again.http, again.sql, again.command, again.replay), _("one of http, sql, command and replay")
    )
    return again


def _http(reader: Reader) -> HttpAgain:
    expected = _("an address such as http://127.0.0.1:8080, without query and user")
    statuses = [(node, node.value) for node in reader.items("already")]
    for node, value in statuses:
        if not isinstance(value, int) or isinstance(value, bool) or not 200 <= value < 600:
            reader.bad(node, "already", _("HTTP statuses such as 409"))
    return HttpAgain(
        path=reader.http_path("path", "") or "{path}",
        method=reader.choice("method", [m.lower() for m in METHODS], "").upper(),
        base=reader.pattern("base", _BASE, expected).rstrip("/"),
        already=tuple(value for _node, value in statuses if isinstance(value, int)),
        timeout_s=reader.number("timeout_s", 15.0, above=True, maximum=600),
    )


def _log(reader: Reader) -> LogSource:
    usual = LogSource("")
    methods = tuple(word.upper() for word in reader.words("methods")) or usual.methods
    return LogSource(
        file=str(reader.path("file", required=True) or ""),
        **{name: reader.text(name, getattr(usual, name), limit=100) for name in _FIELDS},
        failed=reader.integer("failed", usual.failed, minimum=100, maximum=599),
        methods=methods,
        paths=reader.words("paths"),
    )


_FIELDS = ("key", "at", "status", "method", "path", "body")


def _exactly_one(reader: Reader, given: tuple[object, ...], expected: str) -> None:
    if sum(bool(one) for one in given) != 1:
        reader.wrong(reader.node, _("%(what)s: exactly one of these has to be given") % {"what": reader.what}, expected)


def _command(reader: Reader, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    words = reader.words(key)
    for name in (name for word in words for name in _PLACEHOLDER.findall(word)):
        if name not in known:
            reader.bad(reader.entries[key], key, _("placeholders of %(known)s") % {"known": ", ".join(known)})
    for before, word in pairwise(words):
        if "{key}" in word and " " in word.strip() and _SCRIPT.fullmatch(before):
            expected = _("{key} as a word of its own, as strangers write it: [sh, -c, 'retry \"$1\"', sh, '{key}']")
            reader.bad(reader.entries[key], key, expected)
    return words


def _statement(reader: Reader, key: str, known: tuple[str, ...]) -> str | None:
    text = reader.text(key, limit=20_000)
    for name, doubled, other in _PARAMETER.findall(text):
        if not doubled and name not in known:
            shown = ", ".join(f"%({one})s" for one in known)
            expected = _("bound parameters %(known)s; a percent sign is written twice") % {"known": shown}
            reader.bad(reader.entries[key], key, expected)
            break
        del other
    return text or None
