"""Read how a service's whole server is backed up, and its write-ahead log with it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec.wal import ENGINES, PhysicalSpec, WalSpec


def read_physical(reader: Reader) -> PhysicalSpec | None:
    """The parts `engine`, `full_every_h` and `wal` of a backup; None for an engine that has no log."""
    engine = reader.choice("engine", ENGINES, "logical")
    full_every_h = reader.number("full_every_h", 168.0, above=True, maximum=24 * 366)
    wal = reader.one("wal", _wal)
    if engine == "physical":
        return PhysicalSpec(full_every_h=full_every_h, wal=wal)
    for key in ("full_every_h", "wal"):
        if key in reader.entries:
            reader.wrong(
                reader.entries[key],
                _("%(what)s: %(key)s needs engine: physical") % {"what": reader.what, "key": key},
            )
    return None


def _wal(reader: Reader) -> WalSpec:
    return WalSpec(switch_every_s=reader.number("switch_every_s", 60.0, minimum=1.0, maximum=86_400.0))
