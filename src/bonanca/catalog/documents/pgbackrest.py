"""Read how pgBackRest takes a service's backups."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec.pgbackrest import BETWEEN, PgBackRestSpec
from bonanca.catalog.spec.wal import ENGINES

_STANZA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
# What it has its own way of: declared in its configuration, once.
_ITS_OWN = ("replicas", "recipients", "identity_file", "min_copies", "retention")


def read_pgbackrest(reader: Reader) -> PgBackRestSpec | None:
    """The part `pgbackrest` of a backup; None for another engine."""
    chosen = reader.choice("engine", ENGINES, ENGINES[0]) == "pgbackrest"
    spec = reader.one("pgbackrest", _spec, required=chosen)
    if not chosen:
        if "pgbackrest" in reader.entries:
            reader.wrong(
                reader.entries["pgbackrest"],
                _("%(what)s: %(key)s needs engine: pgbackrest") % {"what": reader.what, "key": "pgbackrest"},
            )
        return None
    for key in _ITS_OWN:
        if key in reader.entries:
            reader.wrong(
                reader.entries[key],
                _("%(what)s: %(key)s is not for engine: pgbackrest") % {"what": reader.what, "key": key},
                _("pgBackRest's own configuration, which has its repositories, their cipher and their retention"),
            )
    return spec


def _spec(reader: Reader) -> PgBackRestSpec:
    return PgBackRestSpec(
        stanza=reader.pattern("stanza", _STANZA, _("the name of a stanza"), required=True),
        config=reader.path("config"),
        full_every_h=reader.number("full_every_h", 168.0, above=True, maximum=24 * 366),
        between=reader.choice("between", BETWEEN, BETWEEN[0]),
    )
