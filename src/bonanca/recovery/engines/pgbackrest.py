"""A pgBackRest that is set up already, as an engine: its repositories are the places, its cipher is its own.

A restore unpacks one of its backups here, lets a scratch server replay the log to the target (segments come by
`archive-get`), and takes the service's database out of that, as with the engine `physical`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators import pgbackrest as program
from bonanca.actuators.pgbackrest import Info, Kept, PgBackRestFailed, Stanza
from bonanca.actuators.postgres.binaries import PostgresMissing, pg_bin_of
from bonanca.actuators.postgres.recovered import recovered_server
from bonanca.actuators.postgres.sessions import at_database, maintenance_dsn, one, server_version, session
from bonanca.actuators.postgres.wal import Segment, lsn_number
from bonanca.catalog.spec import PgBackRestSpec, ServiceView
from bonanca.kernel.errors import Invalid, Unavailable
from bonanca.recovery.engines.base import Opening, Scratch, TakenOutside, Target
from bonanca.recovery.engines.physical import NO_PROGRAMS, PROGRAMS
from bonanca.recovery.engines.places import NO_PLACE, PLACE_OK, PLACE_TROUBLE
from bonanca.recovery.engines.wal_archive import BAD_TARGET, NO_POINT, TOO_EARLY
from bonanca.recovery.engines.whole_server import WholeServer
from bonanca.recovery.fetching import NoReplicaIntact
from bonanca.recovery.guards import database_of
from bonanca.recovery.models import RestorePoint
from bonanca.recovery.places.checking import Seen
from bonanca.recovery.sealing import disk_full_named
from bonanca.recovery.verdicts import NO, OK, Finding, finding
from bonanca.recovery.views import BackupView

ARCHIVE_ENDS = gettext_noop("The archive of pgBackRest ends with the segment %(name)s, before the target")
ARCHIVED = gettext_noop("The archive of pgBackRest is asked for the log up to the target while it is replayed")
OWN_KEY = gettext_noop("pgBackRest opens it with the key in its own configuration")
# A check reads the whole repository; its answer serves the other backups that are looked at next.
_FRESH_S = 30.0


class NotDeclared(Invalid):
    """The service does not declare pgBackRest any more."""


class ServerUnknown(Invalid):
    """This pgBackRest does not know the server's version."""


class PgBackRest(WholeServer):
    """Backups, lists, checks and restores of one stanza."""

    def __init__(self) -> None:
        self._verdicts: dict[tuple[Stanza, int], tuple[float, program.Verdict]] = {}

    def places(self, service: ServiceView) -> list[str]:
        spec, version = _spec(service), program.version_of()
        with session(maintenance_dsn(database_of(service).dsn()), read_only=True) as connection:
            server = server_version(connection)
        newest = program.newest_server(version)
        if newest is not None and server > newest:
            raise ServerUnknown(
                _("pgBackRest %(version)s backs up PostgreSQL up to %(newest)d, and the server is %(server)d.")
                % {"version": ".".join(map(str, version)), "newest": newest, "server": server},
                hint=_("Update pgBackRest, or declare another engine."),
            )
        found = program.info_of(_stanza(spec)).repositories
        if all(repository.problem for repository in found):
            problems = "; ".join(f"repo{repository.key}: {repository.problem}" for repository in found)
            raise program.no_stanza(spec.stanza, problems)
        return [place_name(spec.stanza, repository.key) for repository in found]

    def take(self, service: ServiceView, place: str, *, beat: Callable[[float | None], None]) -> TakenOutside:
        spec, number = _spec(service), _number(place)
        stanza = _stanza(spec)
        before = program.info_of(stanza)
        program.back_up(stanza, number, _due(spec, before, number), beat=beat)
        after = program.info_of(stanza)
        known = {found.label for found in before.of(number)}
        new = [found for found in after.of(number) if found.label not in known]
        if not new:
            raise PgBackRestFailed(_("pgBackRest ended well, and %(place)s has no new backup.") % {"place": place})
        return _taken(after, new[-1], _server(service))

    def kept(self, service: ServiceView) -> dict[str, list[TakenOutside] | None]:
        spec = _spec(service)
        info, server = program.info_of(_stanza(spec)), _server(service)
        return {
            place_name(spec.stanza, repository.key): None
            if repository.problem
            else [_taken(info, found, server) for found in info.of(repository.key)]
            for repository in info.repositories
        }

    def look(
        self, service: ServiceView, backup: BackupView, place: str, *, told: Callable[[int], None] = lambda done: None
    ) -> Seen:
        label = backup.facts["labels"].get(place, "")
        try:
            stanza = _stanza(_spec(service))
            verdict = self._verdict(stanza, _number(place), lambda share: told(int((share or 0) * backup.size_bytes)))
        except (Unavailable, NotDeclared) as problem:
            return Seen(answered=False, error=f"{place}: {problem}")
        wrong = verdict.of(label)
        return Seen(backup.size_bytes, answered=verdict.said, error=f"{place}: {wrong}" if wrong else "")

    def _verdict(self, stanza: Stanza, number: int, beat: Callable[[float | None], None]) -> program.Verdict:
        at, verdict = self._verdicts.get((stanza, number), (0.0, None))
        if verdict is None or monotonic() - at > _FRESH_S:
            verdict = program.verify(stanza, number, beat=beat)
            self._verdicts[stanza, number] = (monotonic(), verdict)
        return verdict

    def forget(self) -> None:
        """Have the next look read again, however short ago the last one was."""
        self._verdicts.clear()

    def findings(
        self, service: ServiceView, backup: BackupView, target: Target, identities: Sequence[str]
    ) -> list[Finding]:
        info = program.info_of(_stanza(_spec(service)))
        there, problems = [], []
        for copy in backup.copies:
            kept = info.find(_number(copy.place), backup.facts["labels"].get(copy.place, ""))
            wrong = _problem(info, copy.place) or ("" if kept is not None else _("it is not there any more"))
            if wrong:
                problems.append(f"{copy.place}: {wrong}")
            else:
                there.append(copy.place)
        told = "; ".join(problems)
        if not there:
            return [finding("places", NO, NO_PLACE, problems=told or "-")]
        found = [finding("places", OK, PLACE_TROUBLE if told else PLACE_OK, place=there[0], problems=told)]
        found.append(finding("key", OK, OWN_KEY))
        try:
            pg_bin_of(backup.server_version, "postgres")
            found.append(finding("programs", OK, PROGRAMS, version=backup.server_version))
        except PostgresMissing as problem:
            found.append(finding("programs", NO, NO_PROGRAMS, why=str(problem)))
        if target.kind != "backup":
            found.append(_reach(backup, target, info, there[0]))
        return found

    def room(self, backup: BackupView, target: Target) -> int:
        # Unpacked, replayed, and the dump of it.
        return int(2.5 * backup.database_bytes)

    @contextmanager
    def scratch(self, opening: Opening) -> Iterator[Scratch]:
        stanza = _stanza(_spec(opening.service))
        home = opening.folder / "server"
        place = _restored(opening, stanza, home)
        opening.say(0.4, _("replaying the log"))
        with recovered_server(
            home,
            version=opening.backup.server_version,
            superuser=opening.backup.facts["superuser"],
            wal=None,
            target=_settings(opening),
            restore_command=program.restore_command(stanza, _number(place), home / "data"),
            watch=lambda text: opening.say(0.4, text[-120:]),
        ) as dsn:
            yield Scratch(at_database(dsn, opening.backup.database), None)


def place_name(stanza: str, number: int) -> str:
    """A repository as a place: pgbackrest://STANZA/repoN."""
    return f"pgbackrest://{stanza}/repo{number}"


def _number(place: str) -> int:
    return int(place.rpartition("/repo")[2])


def _spec(service: ServiceView) -> PgBackRestSpec:
    spec = service.backup.pgbackrest if service.backup is not None else None
    if spec is None:
        raise NotDeclared(
            _("The service %(service)s does not declare pgBackRest: nobody knows where its repositories are.")
            % {"service": service.slug}
        )
    return spec


def _stanza(spec: PgBackRestSpec) -> Stanza:
    return Stanza(spec.stanza, spec.config)


def _problem(info: Info, place: str) -> str:
    found = next((one_of for one_of in info.repositories if one_of.key == _number(place)), None)
    return found.problem if found is not None else _("it is not configured any more")


def _due(spec: PgBackRestSpec, info: Info, number: int) -> str:
    """A full one when there is none that is young enough; the repository's own clock counts."""
    full = max((found.ended for found in info.of(number) if found.kind == "full" and not found.error), default=None)
    young = full is not None and datetime.now(UTC) - full < timedelta(hours=spec.full_every_h)
    return spec.between if young else "full"


def _taken(info: Info, found: Kept, server: dict[str, Any]) -> TakenOutside:
    cipher = next(one_of.cipher for one_of in info.repositories if one_of.key == found.repository)
    facts = {
        "system_identifier": found.system_identifier,
        "timeline": int(found.archive[:8], 16) if found.archive else 1,
        **server,
    }
    return TakenOutside(
        label=found.label,
        kind=found.kind,
        cipher=cipher,
        began=found.began,
        ended=found.ended,
        start_lsn=found.start_lsn,
        stop_lsn=found.stop_lsn,
        size=found.stored,
        database_bytes=found.size,
        server_version=found.version,
        facts=facts,
    )


def _server(service: ServiceView) -> dict[str, Any]:
    """What a restored server has to be told of the one that was backed up."""
    with session(maintenance_dsn(database_of(service).dsn()), read_only=True) as connection:
        size = one(connection, "SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'")
        return {
            "superuser": str(one(connection, "SELECT rolname FROM pg_roles WHERE oid = 10")),
            "segment_bytes": int(size),
        }


def _restored(opening: Opening, stanza: Stanza, home: Path) -> str:
    """Unpack it from the first repository that gives it back whole; returns that place."""

    def beat(share: float | None) -> None:
        opening.say(0.05 + 0.3 * (share or 0.0), _("fetching and unpacking"))

    for copy in opening.backup.copies:
        began, error, damaged = monotonic(), "", False
        home.mkdir(mode=0o700)
        (home / "data").mkdir(mode=0o700)
        label = opening.backup.facts["labels"].get(copy.place, "")
        try:
            with opening.timed("open"), disk_full_named(home):
                program.restore(stanza, _number(copy.place), label, home / "data", beat=beat)
        except PgBackRestFailed as problem:
            error, damaged = f"{copy.place}: {problem.message}", problem.damaged
            shutil.rmtree(home)
        said = {"place": copy.place, "ok": not error, "answered": damaged or not error, "error": error}
        opening.places.append({**said, "seconds": round(monotonic() - began, 3)})
        if not error:
            return copy.place
    problems = "; ".join(said["error"] for said in opening.places)
    none = NoReplicaIntact(_("No place holds the backup as it was written. %(problems)s") % {"problems": problems})
    none.lost = all(said["answered"] for said in opening.places)
    raise none


def _settings(opening: Opening) -> dict[str, str]:
    """PostgreSQL's recovery_target_… settings without that prefix."""
    target = opening.target
    moment = {
        "backup": {"": "immediate"},
        "time": {"time": target.value},
        "lsn": {"lsn": target.value.strip()},
        "point": {"name": target.value},
    }.get(target.kind, {})
    return {**moment, "timeline": str(target.timeline)} if target.timeline else moment


def _reach(backup: BackupView, target: Target, info: Info, place: str) -> Finding:
    """As far as can be told without replaying: not before the backup, and not behind the archive's end."""
    facts = backup.facts
    ended, stop = datetime.fromisoformat(facts["ended"][place]), lsn_number(facts["stop_lsns"][place])
    early = finding("log", NO, TOO_EARLY, at=f"{ended:%Y-%m-%d %H:%M:%S} UTC")
    try:
        if target.kind == "time":
            moment = datetime.fromisoformat(target.value)
            if moment.tzinfo is None:
                raise ValueError(target.value)
            return early if moment < ended else finding("log", OK, ARCHIVED)
        if target.kind == "latest":
            return finding("log", OK, ARCHIVED)
        position = target.value
        if target.kind == "point":
            point = RestorePoint.objects.filter(service=backup.service, name=target.value).first()
            if point is None:
                return finding("log", NO, NO_POINT, name=target.value)
            position = point.lsn
        if lsn_number(position) < stop:
            return early
        archived = info.archived.get(_number(place), "")
        last = Segment.parse(archived, facts["segment_bytes"]) if archived else None
        if last is None or lsn_number(position) // last.bytes > last.number:
            return finding("log", NO, ARCHIVE_ENDS, name=archived or "-")
    except ValueError:
        return finding("log", NO, BAD_TARGET, value=target.value)
    return finding("log", OK, ARCHIVED)


ENGINE = PgBackRest()
