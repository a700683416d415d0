"""Look after folders and files that were replaced: written down when it happens, removed when their time is over."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM
from bonanca.actuators.files.tree_swap import give_up, ident, remove_tree, tidy_side
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import RestoreSpec
from bonanca.durable import queries as durable
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import PlanNotFound
from bonanca.kernel.audit import record
from bonanca.kernel.errors import BonancaError, Conflict
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import KeptDropped
from bonanca.recovery.models import KeptFiles, ServerMove
from bonanca.recovery.queries.restores import EndedFiles, ended_restores_of_files
from bonanca.recovery.state import KeptState
from bonanca.recovery.trees import kept_of, remove_staging, remove_unplaced

UNDONE = "undone"
_ME = SYSTEM("recovery").label


class KeptInMove(Conflict):
    """Somebody puts it back at this moment."""


def name_of(word: str, rest: str) -> str:
    """What a kept folder or file is called; `word` says whether a restore or an undo took it away."""
    return f"files_{word}_{rest}"


def note_kept(
    service: str, placed: Sequence[Mapping[str, Any]], word: str, mark: str, run_id: UUID, *, now: datetime
) -> None:
    """Write down what lies at each `kept`, if something does; asked again, it changes nothing."""
    keep = timedelta(hours=(get_service(service).restore or RestoreSpec()).keep_replaced_h)
    for number, one in enumerate(placed):
        if ident(Path(one["kept"])) is None:
            continue
        with transaction.atomic():
            row, created = KeptFiles.objects.get_or_create(
                service=service,
                name=name_of(word, f"{mark}_{number}"),
                defaults={
                    "path": one["target"],
                    "kept_path": one["kept"],
                    "kept_at": now,
                    "kept_by": run_id,
                    "expires_at": now + keep,
                },
            )
            if created:
                facts = {"service": service, "path": one["target"], "expires_at": row.expires_at.isoformat()}
                record(aggregate=f"kept:{row.pk}", action="kept.noted", actor=_ME, facts=facts, now=now)


def note_returned(service: str, kept_paths: Sequence[str], *, now: datetime) -> None:
    """What was kept there has its place again."""
    rows = KeptFiles.objects.filter(service=service, state=KeptState.KEPT, kept_path__in=kept_paths)
    for row in rows:
        if ident(Path(row.kept_path)) is None:
            KeptFiles.objects.filter(pk=row.pk).update(state=KeptState.RETURNED, ended_at=now)


def expire_kept_files(*, now: datetime) -> list[str]:
    """Remove what is kept longer than it must be and what ended plans left half written; a line for each problem."""
    problems = []
    for row in KeptFiles.objects.filter(state=KeptState.KEPT):
        try:
            if row.dropping_by or (row.expires_at <= now and not _plan_runs(row.kept_by)):
                by = row.dropping_by or _ME
                remove_for_good(row, by=by, now=now, expired=by == _ME)
            elif row.size_bytes is None:
                KeptFiles.objects.filter(pk=row.pk).update(size_bytes=_size(Path(row.kept_path)))
        except OSError as problem:
            problems.append(f"{row.service}: {row.kept_path}: {problem.strerror}")
        except BonancaError as problem:
            problems.append(f"{row.service}: {problem.message}")
    for ended in ended_restores_of_files(now):
        try:
            _clear_up(ended, now)
        except OSError as problem:
            problems.append(f"{problem.filename or ended.targets[0]}: {problem.strerror}")
        except BonancaError as problem:
            problems.append(f"{ended.service}: {problem.message}")
    return problems


def _clear_up(ended: EndedFiles, now: datetime) -> None:
    """Remove what never came to its place; what was replaced and not written down yet, as by a killed worker, is now.

    Raises:
        OSError.
    """
    for number, target in enumerate(ended.targets):
        remove_staging(target, ended.mark)
        if number < len(ended.new):
            remove_unplaced(target, ended.mark, number, ended.new[number])
            tidy_side(target)
    for word in ("kept", UNDONE):
        beside = [
            {"target": str(target), "kept": str(kept_of(target, ended.mark, number, word))}
            for number, target in enumerate(ended.targets)
        ]
        note_kept(ended.service, beside, word, ended.mark, ended.run_id, now=now)


def remove_for_good(row: KeptFiles, *, by: str, now: datetime, expired: bool) -> None:
    """Remove it from the disk, then say so; a crash in between removes nothing a second time.

    Who wants it gone is written down first, and from then on nobody puts it back; then it loses its name, so that an
    undo after a crash finds nothing rather than a half of it.

    Raises:
        KeptInMove. OSError, NotSwappable: it is there still, whole or under a name that only this removes.
    """
    kept, mine = Path(row.kept_path), KeptFiles.objects.filter(pk=row.pk, state=KeptState.KEPT)
    with transaction.atomic():
        mine.update(dropping_by=by)  # whoever puts it back locks the same row
        if ServerMove.objects.filter(incoming=row.kept_path, ended_at=None).exists():
            raise KeptInMove(_("%(path)s is being put back.") % {"path": kept})
    point("recovery.kept.asked")
    try:
        given_up = give_up(kept)
    except BonancaError:
        mine.update(dropping_by="")  # it has its name still, and whoever asked is told so
        raise
    point("recovery.kept.given_up")
    remove_tree(given_up)
    tidy_side(Path(row.path))
    with transaction.atomic():
        if mine.update(state=KeptState.DROPPED, ended_at=now, dropping_by=""):
            facts = {"service": row.service, "path": row.path, "expired": expired}
            record(aggregate=f"kept:{row.pk}", action="kept.dropped", actor=by, facts=facts, now=now)
            publish(KeptDropped(row.service, row.name, expired), now=now)


def _plan_runs(run_id: UUID) -> bool:
    try:
        return not durable.get_run(run_id).finished
    except PlanNotFound:
        return False


def _size(path: Path) -> int:
    """Bytes of the files below it."""
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size if ident(path) else 0
    found = (Path(above, name).lstat() for above, _folders, files in os.walk(path) for name in files)
    return sum(one.st_size for one in found if stat.S_ISREG(one.st_mode))
