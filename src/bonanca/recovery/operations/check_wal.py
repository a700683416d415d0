"""Read the archived log in every place, name what is damaged or gone, and make it again from a place that has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM, Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.kernel.audit import record
from bonanca.recovery import holding
from bonanca.recovery.folders import copy_file, sealed_wal_folder
from bonanca.recovery.identities import read_identity_file
from bonanca.recovery.models import WalFile
from bonanca.recovery.operations.check_backup import CopiesDamaged
from bonanca.recovery.places import Fetched, Parcel, ReplicaProblem, opened, spec_of
from bonanca.recovery.places.checking import Expected, Seen, look
from bonanca.recovery.sealing import DiskFull, disk_full_named
from bonanca.recovery.views import CheckedSegment, WalCheck

Progress = Callable[[float | None, str], None]
AGAIN_AFTER = timedelta(days=7)
BYTES_A_SECOND = 40e6
FILES_A_ROUND = 32


def check_wal(
    service: str,
    *,
    actor: Actor,
    now: datetime,
    identity_file: Path | None = None,
    repair: bool = False,
    progress: Progress = lambda share, text: None,
) -> WalCheck:
    """Read every archived file of the service's log in every place.

    Args:
        identity_file: the private key; with it every chunk is authenticated, not only the sums compared.
        repair: make what is damaged or gone again from a place that has it.
        progress: told a share (0 to 1) and a text; what it raises ends the check.

    Raises:
        NotFound, NotAllowed, IdentityUnreadable.
    """
    require(actor, Permission.RESPOND, team=get_service(service).team_slug)
    identities = read_identity_file(identity_file) if identity_file is not None else ()
    clock = holding.running_clock(now)
    files = list(WalFile.objects.filter(service=service).order_by("system_identifier", "timeline", "number"))
    found: list[CheckedSegment] = []
    for number, file in enumerate(files):
        progress(number / len(files), file.name)
        found += _checked(file, actor, clock(), identities=identities, repair=repair)
    return WalCheck(service, len(files), tuple(found))


def scrub_wal(*, now: datetime, rate: float = BYTES_A_SECOND) -> list[str]:
    """Read some of the log that nobody has read for a week, and repair it where a place has it intact.

    Returns:
        A line for each file that no place has intact any more.
    """
    unread = Q(checked_at=None, received_at__lte=now - AGAIN_AFTER) | Q(checked_at__lte=now - AGAIN_AFTER)
    clock, lost = holding.running_clock(now), []
    for file in WalFile.objects.filter(unread).order_by("checked_at", "received_at")[:FILES_A_ROUND]:
        _checked(file, SYSTEM("recovery"), clock(), rate=rate, repair=True)
        file.refresh_from_db()
        if file.damaged and not file.intact_in:
            lost.append(f"{file.service}: {'; '.join(file.damaged.values())}")
    return lost


def _checked(
    file: WalFile,
    actor: Actor,
    now: datetime,
    *,
    identities: Sequence[str] = (),
    rate: float | None = None,
    repair: bool,
) -> list[CheckedSegment]:
    """What is wrong with one file, place by place; nothing when all is well."""
    wrong: dict[str, Seen] = {}
    for place in [place for place, problem in file.places.items() if not problem]:
        seen = _look(file, place, identities, rate)
        if seen.error:
            wrong[place] = seen
    repaired = [place for place, seen in wrong.items() if seen.answered and repair and _repair(file, place, wrong)]
    damaged = {place: seen.error for place, seen in wrong.items() if seen.answered and place not in repaired}
    _record(file, damaged, repaired, actor, now)
    return [
        CheckedSegment(file.name, place, seen.answered, seen.error, place in repaired) for place, seen in wrong.items()
    ]


def _look(file: WalFile, place: str, identities: Sequence[str], rate: float | None = None) -> Seen:
    expected = Expected(file.object_name, file.size_bytes, file.sha256)
    return look(opened(spec_of(file.service, place)), expected, identities=identities, rate=rate)


def _repair(file: WalFile, place: str, wrong: dict[str, Seen]) -> bool:
    """Make the copy in `place` again from the first that has it intact; whether it is there now, read once more."""
    waiting = sealed_wal_folder(file.service) / f"{file.system_identifier}-{file.name}.bnc"
    if waiting.exists():
        return _store(file, place, waiting)
    target = copy_file(file.id)
    try:
        for source in (one for one, problem in file.places.items() if not problem and one not in wrong):
            try:
                with disk_full_named(target):
                    fetched = opened(spec_of(file.service, source)).fetch(file.object_name, target)
            except (ReplicaProblem, DiskFull):
                continue
            if fetched == Fetched(file.size_bytes, file.sha256):
                return _store(file, place, target)
        return False
    finally:
        target.unlink(missing_ok=True)


def _store(file: WalFile, place: str, sealed: Path) -> bool:
    try:
        opened(spec_of(file.service, place)).store(Parcel(sealed, file.object_name, file.size_bytes, file.sha256))
    except ReplicaProblem:
        return False
    return not _look(file, place, ()).error


def _record(file: WalFile, damaged: dict[str, str], repaired: list[str], actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        # Whatever was archived meanwhile is in other columns.
        WalFile.objects.filter(pk=file.pk).update(damaged=damaged, checked_at=now)
        for action, places in (("wal.damaged", sorted({*damaged} - {*file.damaged})), ("wal.repaired", repaired)):
            if places:
                facts = {"file": file.name, "places": places}
                record(aggregate=f"service:{file.service}", action=action, actor=actor.label, facts=facts, now=now)


def raise_for_wal(report: WalCheck) -> None:
    """Say what is wrong as an error.

    Raises:
        CopiesDamaged: with every file and its place.
    """
    if not report.ok:
        wrong = [one.error for one in report.wrong if not one.repaired]
        raise CopiesDamaged(
            "; ".join(wrong[:50]), hint=_("An intact copy can replace a damaged one: bonanca backup check --repair")
        )
