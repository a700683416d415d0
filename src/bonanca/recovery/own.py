"""How Bonança's own database is backed up: what the environment declares, and the folders that it uses."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from psycopg.conninfo import make_conninfo

from bonanca.catalog.spec import PlaceSpec
from bonanca.durable import host
from bonanca.kernel.errors import Invalid
from bonanca.kernel.ids import new_id
from bonanca.recovery.folders import root
from bonanca.recovery.identities import recipients_of
from bonanca.recovery.places import checked_place


class OwnBackupNotDeclared(Invalid):
    """Nobody said where backups of Bonança's own database go."""


@dataclass(frozen=True)
class OwnPolicy:
    """Places, public keys, the private key's file and the hours between two backups."""

    places: tuple[str, ...]
    recipients: tuple[str, ...]
    identity_file: Path | None
    every_h: float


def declared() -> bool:
    """Whether the environment names a place."""
    return bool(settings.SELF_BACKUP_PLACES)


def own_policy() -> OwnPolicy:
    """What is declared, checked.

    Raises:
        OwnBackupNotDeclared: no place. PlaceInvalid, InvalidRecipient: what is declared does not suffice.
    """
    if not declared():
        raise OwnBackupNotDeclared(
            _("Nobody declared where backups of Bonança's own database go."),
            field="BONANCA_SELF_BACKUP_PLACES",
            hint=_("Set BONANCA_SELF_BACKUP_PLACES and BONANCA_SELF_BACKUP_RECIPIENTS (bonanca backup keygen FILE)."),
        )
    recipients_of(settings.SELF_BACKUP_RECIPIENTS)
    return OwnPolicy(
        tuple(checked_place(PlaceSpec(place)) for place in settings.SELF_BACKUP_PLACES),
        tuple(settings.SELF_BACKUP_RECIPIENTS),
        settings.SELF_BACKUP_IDENTITY_FILE,
        settings.SELF_BACKUP_EVERY_H,
    )


def own_dsn() -> str:
    """The address of the database that this installation works in."""
    found = {name: str(value) for name, value in connection.settings_dict.items() if name != "OPTIONS"}
    return make_conninfo(
        host=found["HOST"], port=found["PORT"], user=found["USER"], password=found["PASSWORD"], dbname=found["NAME"]
    )


def working_folder() -> Path:
    """A private folder of this process, for what is sealed or opened; leftovers of dead ones are removed first."""
    base = root() / "own"
    base.mkdir(mode=0o700, exist_ok=True)
    for left in base.iterdir():
        pid, _dash, started = left.name.partition("-")
        if not (pid.isdigit() and started.isdigit()) or host.alive(int(pid), int(started)) is None:
            shutil.rmtree(left, ignore_errors=True)
    found = host.process(os.getpid())
    mine = base / f"{os.getpid()}-{found.started if found else 0}"
    mine.mkdir(mode=0o700, exist_ok=True)
    work = mine / new_id().hex
    work.mkdir(mode=0o700)
    return work
