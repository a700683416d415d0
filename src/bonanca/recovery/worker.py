"""What the worker does for recovery by itself."""

from __future__ import annotations

from datetime import datetime

from bonanca.access.actors import SYSTEM
from bonanca.kernel.clock import utc_now
from bonanca.outbox.periodic import periodic
from bonanca.recovery.operations.archive_wal import archive_wal
from bonanca.recovery.operations.check_wal import scrub_wal
from bonanca.recovery.operations.copy_backups import copy_backups
from bonanca.recovery.operations.expire_pins import expire_pins
from bonanca.recovery.operations.expire_set_aside import expire_set_aside
from bonanca.recovery.operations.expire_wal import expire_wal
from bonanca.recovery.operations.forget_erasures import forget_erasures
from bonanca.recovery.operations.keep_replaced import keep_replaced
from bonanca.recovery.operations.list_outside import list_outside
from bonanca.recovery.operations.prepare_spares import prepare_spares
from bonanca.recovery.operations.prune_backups import prune_automatically
from bonanca.recovery.operations.remove_copies import remove_copies
from bonanca.recovery.operations.rewrap_backup import remove_strays
from bonanca.recovery.operations.scrub import scrub
from bonanca.recovery.operations.spread_procedure import spread_procedure
from bonanca.recovery.operations.start_due_backups import start_due_backups
from bonanca.recovery.operations.start_due_drills import start_due_drills
from bonanca.recovery.operations.sweep import sweep
from bonanca.recovery.operations.take_own_backup import take_own_backup
from bonanca.recovery.operations.tick_step import collect_steps
from bonanca.recovery.operations.verify_own_backup import verify_own_backup
from bonanca.recovery.operations.watch_readiness import watch_readiness
from bonanca.recovery.operations.watch_replication import watch_replication
from bonanca.recovery.own import own_policy
from bonanca.recovery.queries.own import own_backup_due


class RecoveryProblems(Exception):
    """Something of several services did not work; recorded on the periodic job, where doctor and pages show it."""


@periodic("recovery.backups", every_s=30.0)
def backups(now: datetime) -> None:
    """Start due backups."""
    _raise(start_due_backups(now=now))


@periodic("recovery.drills", every_s=30.0)
def drills(now: datetime) -> None:
    """Start due drills."""
    _raise(start_due_drills(now=now))


@periodic("recovery.readiness", every_s=30.0)
def alerts(now: datetime) -> None:
    """Raise and end the alerts of backups and drills that do not hold."""
    watch_readiness(now=now)


@periodic("recovery.copies", every_s=5.0)
def copies(now: datetime) -> None:
    """Bring backups to the places that do not have them yet."""
    copy_backups(now=now)


@periodic("recovery.outside", every_s=60.0)
def outside(now: datetime) -> None:
    """Take over what repositories of pgBackRest hold by now."""
    _raise(list_outside(now=now))


@periodic("recovery.scrub", every_s=300.0)
def scrubbing(now: datetime) -> None:
    """Read one copy, and some of the archived log, that nobody has read for a week."""
    scrub(now=now)
    _raise(scrub_wal(now=utc_now()))


@periodic("recovery.retention", every_s=3600.0)
def retention(now: datetime) -> None:
    """Remove what the retention of services that ask for it does not keep."""
    _raise(prune_automatically(now=now))


@periodic("recovery.removal", every_s=120.0)
def removal(now: datetime) -> None:
    """Remove copies of pruned and of half stored backups, and what key rotations left, from their places."""
    remove_copies(now=now)
    remove_strays(now=now)


@periodic("recovery.own_backup", every_s=60.0)
def own_backup(now: datetime) -> None:
    """Back up Bonança's own database when it is due, and restore it for proof where the private key is declared."""
    if own_backup_due(now):
        backup = take_own_backup(actor=SYSTEM("recovery"), now=now)
        if own_policy().identity_file is not None:
            verify_own_backup(actor=SYSTEM("recovery"), now=utc_now(), backup_id=backup.id)


@periodic("recovery.procedure", every_s=60.0)
def resume_procedure(now: datetime) -> None:
    """Write the resume-everything procedure beside the backups when it has changed."""
    _raise(spread_procedure(now=now))


@periodic("recovery.exercises", every_s=10.0)
def exercises(now: datetime) -> None:
    """Take over what restores of an exercise's steps came to."""
    collect_steps(now=now)


@periodic("recovery.replication", every_s=30.0)
def replication(now: datetime) -> None:
    """Look at declared standbys."""
    watch_replication(now=now)


@periodic("recovery.sweep", every_s=60.0)
def clear_up(now: datetime) -> None:
    """Fail what killed processes left, and remove their files."""
    sweep(now=now)


@periodic("recovery.pins", every_s=300.0)
def pins(now: datetime) -> None:
    """Drop pins whose time is over."""
    _raise(expire_pins(now=now))


@periodic("recovery.spares", every_s=10.0)
def spares(now: datetime) -> None:
    """Make the copies beforehand that rollbacks would wait for."""
    _raise(prepare_spares(now=now))


@periodic("recovery.kept", every_s=120.0)
def kept(now: datetime) -> None:
    """Close the databases that were replaced, and drop those whose time is over."""
    _raise(keep_replaced(now=now))


@periodic("recovery.wal", every_s=2.0)
def wal(now: datetime) -> None:
    """Receive the logs that are declared, and archive what is complete."""
    _raise(archive_wal(now=now))


@periodic("recovery.wal_expiry", every_s=600.0)
def wal_expiry(now: datetime) -> None:
    """Remove the log that no backup needs any more."""
    _raise(expire_wal(now=now))


def _raise(problems: list[str]) -> None:
    if problems:
        raise RecoveryProblems("\n".join(problems))


@periodic("recovery.set_aside", every_s=300.0)
def set_aside(now: datetime) -> None:
    """Remove the content of set-aside rows whose time is over."""
    _raise(expire_set_aside(now=now))


@periodic("recovery.erasures", every_s=3600.0)
def erasures(now: datetime) -> None:
    """Forget who was erased long ago, where the service says so and nothing older is kept."""
    forget_erasures(now=now)
