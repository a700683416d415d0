"""How far the archived log reaches, what a target needs of it, and fetching that."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import zstandard
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.postgres.wal import Segment, forks, history_name, lsn_number
from bonanca.kernel.errors import Unavailable
from bonanca.recovery.engines.base import Opening, Target
from bonanca.recovery.envelope import opened_chunks, read_header
from bonanca.recovery.folders import received_folder, sealed_wal_folder
from bonanca.recovery.models import RestorePoint, WalFile, WalReceiver
from bonanca.recovery.places import Fetched, ReplicaProblem, place_of
from bonanca.recovery.plaintext import reading
from bonanca.recovery.sealing import disk_full_named
from bonanca.recovery.verdicts import NO, OK, Finding, finding
from bonanca.recovery.views import BackupView

OWN_MOMENT = gettext_noop("The backup holds all of the log that its own moment needs")
REACHES = gettext_noop("The archived log reaches the target: %(count)d files on timeline %(timeline)d")
GAP = gettext_noop("The log is missing from %(first)s to %(last)s: it reaches only until %(until)s")
ENDS = gettext_noop("The archived log ends at %(until)s, before the target")
TOO_EARLY = gettext_noop("The target lies before this backup, which is of %(at)s: choose an earlier backup")
NO_LOG = gettext_noop("No log of this server was archived: declare `wal` in its backup")
NO_POINT = gettext_noop("There is no restore point %(name)s")
BAD_TARGET = gettext_noop(
    "“%(value)s” is neither a time with its zone (2026-03-12T14:30:00-03:00) nor an LSN (0/3000060)"
)


class WalLost(Unavailable):
    """No place gave a segment back as it was written."""


@dataclass(frozen=True)
class Reach:
    """What a target needs of the archive. `settings` are PostgreSQL's recovery_target_… without that prefix."""

    finding: Finding
    settings: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[WalFile] = ()
    partial: Path | None = None

    @property
    def bytes(self) -> int:
        """Room that the segments need on this machine."""
        return Segment(0, 0).bytes * len(self.files) + (Segment(0, 0).bytes if self.partial else 0)


def reach_of(backup: BackupView, target: Target) -> Reach:
    """Find what the target needs, and every gap in it, by name."""
    if target.kind == "backup":
        settings = {"": "immediate", "timeline": str(backup.facts["timeline"])}
        return Reach(finding("log", OK, OWN_MOMENT), settings)
    files = WalFile.objects.filter(service=backup.service, system_identifier=backup.facts["system_identifier"])
    # What every place has lost is not there; a restore would only find it out halfway.
    archive = {file.name: file for file in files if file.intact_in or not file.damaged}
    segments = sorted((file for file in archive.values() if file.number >= 0), key=lambda file: file.number)
    partials = _partials(backup)
    if not segments and not partials:
        return Reach(finding("log", NO, NO_LOG))
    try:
        if target.kind == "time":
            return _to_time(backup, target, archive, segments, partials)
        if target.kind == "latest":
            timeline = max([file.timeline for file in segments] + [part.timeline for part in partials])
            end = max([file.number for file in segments] + [part.number for part in partials])
            return _needed(backup, archive, partials, timeline, end, {})
        return _to_position(backup, target, archive, segments, partials)
    except ValueError:
        return Reach(finding("log", NO, BAD_TARGET, value=target.value))


def fetch_wal(reach: Reach, folder: Path, opening: Opening) -> None:
    """Bring every file of it into `folder`, opened, from the first place that gives it back as it was written.

    Raises:
        WalLost, WrongIdentity, EnvelopeDamaged, DiskFull.
    """
    folder.mkdir(mode=0o700)
    for file in reach.files:
        opening.say(0.3, file.name)
        _fetch(file, folder, opening)
    if reach.partial is not None:
        # What the receiver has of the segment that is being written; the rest of the file is zeros.
        with disk_full_named(folder):
            shutil.copyfile(reach.partial, folder / reach.partial.name.removesuffix(".partial"))


def _fetch(file: WalFile, folder: Path, opening: Opening) -> None:
    sealed, problems = folder / f"{file.name}.bnc", []
    waiting = sealed_wal_folder(file.service) / f"{file.system_identifier}-{file.name}.bnc"
    if waiting.exists():
        # Not yet in every place, maybe in none: this machine still has it.
        _opened(waiting, folder / file.name, opening)
        return
    stored = [place for place, problem in file.places.items() if not problem]
    for place in sorted(stored, key=lambda place: place in file.damaged):
        try:
            with disk_full_named(folder):
                fetched = place_of(file.service, place).fetch(file.object_name, sealed)
        except ReplicaProblem as problem:
            problems.append(problem.message)
            continue
        if fetched == Fetched(file.size_bytes, file.sha256):
            _opened(sealed, folder / file.name, opening)
            sealed.unlink()
            return
        problems.append(_("%(place)s: it is damaged") % {"place": place})
    raise WalLost(
        _("No place gave the log file %(name)s back: %(problems)s")
        % {"name": file.name, "problems": "; ".join(problems) or "-"}
    )


def _opened(sealed: Path, target: Path, opening: Opening) -> None:
    with disk_full_named(target), sealed.open("rb") as source, target.open("xb") as out:
        plain = reading(opened_chunks(source, read_header(source), identities=opening.identities))
        zstandard.ZstdDecompressor().copy_stream(plain, out)


def _to_time(
    backup: BackupView,
    target: Target,
    archive: Mapping[str, WalFile],
    segments: Sequence[WalFile],
    partials: Mapping[Segment, Path],
) -> Reach:
    moment = datetime.fromisoformat(target.value)
    if moment.tzinfo is None:
        raise ValueError(target.value)
    taken = backup.snapshot_at or backup.started_at
    if moment < taken:
        return Reach(finding("log", NO, TOO_EARLY, at=_said(taken)))
    # The timeline on which the service lived at that moment: that of the last segment before the first later one.
    later = [file for file in segments if file.received_at > moment]
    before = [file for file in segments if file.received_at <= moment]
    settings = {"time": moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")}
    if later:
        first = min(later, key=lambda file: file.received_at)
        timeline = target.timeline or (max(before, key=lambda f: f.received_at).timeline if before else first.timeline)
        return _needed(backup, archive, partials, timeline, first.number, settings)
    if partials:
        part = max(partials)
        if datetime.fromtimestamp(partials[part].stat().st_mtime, UTC) >= moment or _receiver_alive(backup, moment):
            return _needed(backup, archive, partials, target.timeline or part.timeline, part.number, settings)
    until = max((file.received_at for file in segments), default=taken)
    return Reach(finding("log", NO, ENDS, until=_said(until)))


def _to_position(
    backup: BackupView,
    target: Target,
    archive: Mapping[str, WalFile],
    segments: Sequence[WalFile],
    partials: Mapping[Segment, Path],
) -> Reach:
    if target.kind == "point":
        point = RestorePoint.objects.filter(service=backup.service, name=target.value).first()
        if point is None:
            return Reach(finding("log", NO, NO_POINT, name=target.value))
        position, timeline, settings = lsn_number(point.lsn), point.timeline, {"name": point.name}
    else:
        position, settings = lsn_number(target.value), {"lsn": target.value.strip()}
        timeline = target.timeline or backup.facts["timeline"]
    if position < lsn_number(backup.facts["stop_lsn"]):
        return Reach(finding("log", NO, TOO_EARLY, at=_said(backup.snapshot_at or backup.started_at)))
    size = backup.facts["segment_bytes"]
    end = position // size
    reached = max([file.number for file in segments] + [part.number for part in partials])
    if end > reached:
        until = max((file.received_at for file in segments), default=backup.started_at)
        return Reach(finding("log", NO, ENDS, until=_said(until)))
    return _needed(backup, archive, partials, timeline, end, settings)


def _needed(
    backup: BackupView,
    archive: Mapping[str, WalFile],
    partials: Mapping[Segment, Path],
    timeline: int,
    end: int,
    settings: Mapping[str, str],
) -> Reach:
    """Every segment from the backup's start to `end`, along the timelines that lead to `timeline`."""
    size = backup.facts["segment_bytes"]
    history = archive.get(history_name(timeline))
    path = [*(earlier for earlier, _at in forks(history.history)), timeline] if history else [timeline]
    files, partial, missing = [], None, []
    for number in range(lsn_number(backup.facts["start_lsn"]) // size, end + 1):
        names = [Segment(one, number, size) for one in path]
        there = [archive[name.name] for name in names if name.name in archive]
        files += there
        if not there:
            partial = next((partials[name] for name in reversed(names) if name in partials), None)
            if partial is None:
                missing.append(Segment(path[-1], number, size).name)
    if missing:
        until = max((file.received_at for file in files if file.name < missing[0]), default=backup.started_at)
        return Reach(finding("log", NO, GAP, first=missing[0], last=missing[-1], until=_said(until)))
    files += [archive[history_name(one)] for one in path if history_name(one) in archive]
    words = finding("log", OK, REACHES, count=len(files) + (partial is not None), timeline=timeline)
    return Reach(words, {**settings, "timeline": str(timeline)}, files, partial)


def _partials(backup: BackupView) -> dict[Segment, Path]:
    """Segments that this machine's receiver has and the archive has not: the one being written, and the newest."""
    size = backup.facts["segment_bytes"]
    found = {}
    for path in received_folder(backup.service, backup.facts["system_identifier"]).iterdir():
        try:
            found[Segment.parse(path.name.removesuffix(".partial"), size)] = path
        except ValueError:
            continue
    return found


def _receiver_alive(backup: BackupView, moment: datetime) -> bool:
    """Whether the receiver had everything up to the moment: a quiet server sends nothing, and misses nothing."""
    seen = WalReceiver.objects.filter(service=backup.service, running=True, error="").first()
    return seen is not None and seen.seen_at >= moment and seen.lag_bytes == 0


def _said(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
