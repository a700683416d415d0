"""Dumps by pg_dump: one sealed object, whose own moment is the only one it can go back to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from bonanca.catalog.spec import ServiceView
from bonanca.recovery.engines.base import Archive, Say, Target
from bonanca.recovery.engines.places import key_findings
from bonanca.recovery.envelope import open_envelope
from bonanca.recovery.fetching import fetch_intact
from bonanca.recovery.sealing import disk_full_named
from bonanca.recovery.verdicts import Finding
from bonanca.recovery.views import BackupView


class Logical:
    """pg_dump and pg_restore: any version to the same or a newer one, managed servers too."""

    def findings(
        self, service: ServiceView, backup: BackupView, target: Target, identities: Sequence[str]
    ) -> list[Finding]:
        return key_findings(backup, identities)

    def room(self, backup: BackupView, target: Target) -> int:
        return backup.size_bytes + backup.plain_bytes

    def open(
        self,
        service: ServiceView,
        backup: BackupView,
        target: Target,
        folder: Path,
        *,
        identities: Sequence[str],
        say: Say,
    ) -> Archive:
        places: list[dict[str, Any]] = []
        sealed = fetch_intact(backup, folder / "sealed.bnc", places, say)
        say(0.15, _("opening"))
        dump = folder / "dump"
        with disk_full_named(dump), sealed.open("rb") as source, dump.open("xb") as out:
            open_envelope(source, out, identities=identities)
        sealed.unlink()
        return Archive(dump, backup.row_counts, {"places": places})


ENGINE = Logical()
