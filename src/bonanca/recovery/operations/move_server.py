"""The books of a data directory that takes another's place: what a killed command leaves is finished from them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.actuators.files.tree_swap import Ident, ident, put_new, remove_tree, swap_in, tidy_side
from bonanca.durable import host
from bonanca.kernel.audit import record
from bonanca.kernel.errors import BonancaError, Conflict
from bonanca.recovery import holding
from bonanca.recovery.models import ServerMove
from bonanca.recovery.operations.keep_files import UNDONE, note_kept, note_returned

# One on another machine, or of before a reboot, is cleared up without being asked when it was silent for this long.
SILENT_FOR = timedelta(hours=1)


class AnotherMove(Conflict):
    """A living command works on the same directory."""


def begin_move(
    identity: UUID, *, service: str, path: Path, undo: bool, work: Path | None, incoming: Path, kept: Path,
    facts: dict[str, Any], actor: Actor, now: datetime,
) -> ServerMove:  # fmt: skip
    """Write down what is about to be done; nothing is touched yet.

    Raises:
        AnotherMove.
    """
    try:
        with transaction.atomic():
            return ServerMove.objects.create(
                pk=identity, service=service, path=str(path), undo=undo, work=str(work or ""), incoming=str(incoming),
                kept_path=str(kept), facts=facts, begun_by=actor.label, begun_at=now, beat_at=now, **holding.me(),
            )  # fmt: skip
    except IntegrityError as taken:
        raise _another(path) from taken


def beating(
    move: ServerMove, told: Callable[[float | None, str], None], now: datetime
) -> Callable[[float | None, str], None]:
    """Progress that also says that the command lives: to whom cannot look at its process."""
    clock, beaten = holding.running_clock(now), monotonic()

    def tell(share: float | None, text: str) -> None:
        nonlocal beaten
        told(share, text)
        if monotonic() - beaten > holding.BEAT_EVERY_S:
            beaten = monotonic()
            ServerMove.objects.filter(pk=move.pk).update(beat_at=clock())

    return tell


def swap(move: ServerMove, new: Ident) -> None:
    """Do it. Raises NotSwappable, SomethingThere: the old directory is where it was."""
    target = Path(move.path)
    before = ident(target)
    move.new, move.before = str(new[1]), str(before[1]) if before else ""
    move.save(update_fields=["new", "before"])
    swap_in(target, Path(move.incoming), Path(move.kept_path), new=new)


def end_move(move: ServerMove, *, now: datetime) -> bool:
    """Bring the books to what the disk says, and remove what came to nothing; whether it had come into effect.

    Raises:
        OSError, NotSwappable: it is to be asked again.
    """
    target, incoming, kept = Path(move.path), Path(move.incoming), Path(move.kept_path)
    # Either tells: somebody may have put something else in the target's place since.
    swapped = bool(move.new) and (_inode(target) == move.new or (bool(move.before) and _inode(kept) == move.before))
    unplaced = not swapped and bool(move.new) and _inode(kept) == move.new
    if unplaced and move.undo:
        put_new(incoming, kept, new=ident(kept) or (0, 0))
    elif unplaced:
        remove_tree(kept)
    if swapped:
        _book(move, now)
    if move.work:
        remove_tree(Path(move.work))
    tidy_side(target)
    ServerMove.objects.filter(pk=move.pk, ended_at=None).update(ended_at=now)
    move.refresh_from_db()
    return swapped


def _book(move: ServerMove, now: datetime) -> None:
    if move.undo:
        note_returned(move.service, [move.incoming], now=now)
    word, action = (UNDONE, "server.restore_undone") if move.undo else ("kept", "server.restored")
    with transaction.atomic():
        if ServerMove.objects.filter(pk=move.pk, booked=False).update(booked=True):
            one = {"target": move.path, "kept": move.kept_path}
            note_kept(move.service, [one], word, move.id.hex[-12:], move.id, now=now)
            record(aggregate=f"service:{move.service}", action=action, actor=move.begun_by, facts=move.facts, now=now)


def settle_earlier(path: Path, *, now: datetime) -> None:
    """End what a killed command left of the same directory.

    Raises:
        AnotherMove. OSError, NotSwappable: what it left cannot be cleared up.
    """
    for move in ServerMove.objects.filter(path=str(path), ended_at=None):
        if not holding.gone(move, now) and (move.machine == host.machine() or _there(move)):
            raise _another(path)
        if move.machine == host.machine() or _there(move):
            end_move(move, now=now)


def settle_gone_moves(*, now: datetime) -> list[str]:
    """End what killed commands left on this machine; a line for each problem."""
    problems = []
    for move in ServerMove.objects.filter(ended_at=None):
        try:
            if _left_here(move, now):
                end_move(move, now=now)
        except OSError as problem:
            problems.append(f"{move.service}: {problem.filename or move.path}: {problem.strerror}")
        except BonancaError as problem:
            problems.append(f"{move.service}: {problem.message}")
    return problems


def last_move(path: Path) -> ServerMove | None:
    """The last that came into effect, while what it brought is what lies there."""
    last = ServerMove.objects.filter(path=str(path), booked=True).order_by("-begun_at", "-id").first()
    return last if last is not None and _inode(path) == last.new else None


def answered(move: ServerMove) -> None:
    """Whoever asked is about to hear that it is done."""
    ServerMove.objects.filter(pk=move.pk).update(answered=True)


def still_as_kept(kept_by: UUID, kept: Path) -> bool:
    """Whether what lies there is what the move that kept it found; what nobody wrote down is believed."""
    move = ServerMove.objects.filter(pk=kept_by).first()
    return move is None or not move.before or _inode(kept) == move.before


def _left_here(move: ServerMove, now: datetime) -> bool:
    if move.machine == host.machine():
        return holding.gone(move, now)
    return now - move.beat_at > SILENT_FOR and _there(move)


def _there(move: ServerMove) -> bool:
    """Whether its files are on this machine: one of another name is another, or this one before a reboot."""
    places = (move.work, move.incoming, move.kept_path)
    return any(ident(Path(place)) is not None for place in places if place)


def _another(path: Path) -> AnotherMove:
    return AnotherMove(_("Another command works on %(path)s.") % {"path": path})


def _inode(path: Path) -> str:
    # Without the device's number, which another order of disks at boot may change: they are on one disk.
    found = ident(path)
    return str(found[1]) if found else ""
