"""Read a backup back from its places: whole and compared, or only its first bytes to see what would open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from time import monotonic
from typing import Any

from django.utils.translation import gettext as _

from bonanca.kernel.errors import Unavailable
from bonanca.recovery.envelope import EnvelopeDamaged, Header, read_header
from bonanca.recovery.places import Fetched, ReplicaMissing, ReplicaProblem, place_of
from bonanca.recovery.sealing import disk_full_named
from bonanca.recovery.views import BackupView

Say = Callable[[float | None, str], None]


class NoReplicaIntact(Unavailable):
    """No place gave the backup back as it was written. `lost`: every place answered, and none has it any more."""

    lost = False


@dataclass(frozen=True)
class Peeked:
    """The first place that has a readable beginning of the backup, and what the others said."""

    place: str | None
    header: Header | None
    problems: tuple[str, ...]


def fetch_intact(backup: BackupView, target: Path, found: list[dict[str, Any]], say: Say) -> Path:
    """Copy the backup into `target` from the first place that gives it back as it was written.

    Args:
        found: takes what each place said.

    Raises:
        NoReplicaIntact, DiskFull.
    """
    for replica in backup.copies:
        say(0.05, _("reading %(place)s") % {"place": replica.place})
        if read_back(replica.place, backup, target, found):
            return target
    problems = "; ".join(said["error"] for said in found)
    none = NoReplicaIntact(_("No place holds the backup as it was written. %(problems)s") % {"problems": problems})
    none.lost = all(said["answered"] for said in found)
    raise none


def read_back(place: str, backup: BackupView, target: Path | None, found: list[dict[str, Any]]) -> bool:
    """Read the whole object from one place, into `target` when it is given, and compare it with what was written."""
    began = monotonic()
    error, answered = "", True
    try:
        with disk_full_named(target or Path("/dev/null")):
            fetched = place_of(backup.service, place).fetch(backup.object_name, target)
    except ReplicaProblem as problem:
        error, answered = problem.message, isinstance(problem, ReplicaMissing)
    else:
        if fetched != Fetched(backup.size_bytes, backup.sha256):
            error = _damage(place, backup, fetched)
    seconds = round(monotonic() - began, 3)
    found.append({"place": place, "ok": not error, "answered": answered, "error": error, "seconds": seconds})
    return not error


def peek(backup: BackupView) -> Peeked:
    """Read the header from the first place that has one. The bulk is compared when it is fetched, not here."""
    problems: list[str] = []
    for replica in backup.copies:
        try:
            first = next(place_of(backup.service, replica.place).read(backup.object_name), b"")
            return Peeked(replica.place, read_header(BytesIO(first)), tuple(problems))
        except ReplicaProblem as problem:
            problems.append(problem.message)
        except EnvelopeDamaged as problem:
            problems.append(f"{replica.place}: {problem.message}")
    return Peeked(None, None, tuple(problems))


def _damage(place: str, backup: BackupView, fetched: Fetched) -> str:
    return _("%(place)s: %(name)s is damaged: %(size)d bytes, SHA-256 %(sum)s…; written were %(wanted)d, %(ours)s…") % {
        "place": place,
        "name": backup.object_name,
        "size": fetched.size,
        "sum": fetched.sha256[:12],
        "wanted": backup.size_bytes,
        "ours": backup.sha256[:12],
    }
