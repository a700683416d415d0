"""Reading the databases that rollbacks and restores replaced and kept."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonanca.actuators.postgres.databases import database_sizes, effects_on
from bonanca.catalog.queries import get_service
from bonanca.kernel.errors import NotFound
from bonanca.recovery.models import Kept, KeptFiles, Restore
from bonanca.recovery.state import KeptState
from bonanca.recovery.views import KeptDatabase, KeptTree

KEEPING = ("swap", "retire")


class KeptNotFound(NotFound):
    """There is no kept database of that name."""


def kept_databases(service: str) -> tuple[KeptDatabase, ...]:
    """Replaced databases of the service that are still on its server, newest first.

    Raises:
        NotFound: no such service. Unavailable: its server does not answer.
    """
    declared = get_service(service).database
    if declared is None:
        return ()
    dsn = declared.dsn()
    present = database_sizes(dsn)
    names = {declared.name, *Restore.objects.filter(service=service).values_list("database", flat=True)}
    rows = {row.name: row for row in Kept.objects.filter(service=service, state=KeptState.KEPT)}
    found: dict[str, KeptDatabase] = {}
    for swap in effects_on(dsn, names, KEEPING):
        # The same name may have been swapped in again by an undo: then it is no longer kept, and not in the list.
        name = swap["kept"]
        if name in present and name not in names:
            row = rows.get(name)
            found[name] = KeptDatabase(
                name,
                swap["database"],
                swap["made_at"],
                swap["key"],
                present[name],
                row.expires_at if row else None,
                bool(row and row.closed_at),
                row.open_until if row else None,
            )
    return tuple(sorted(found.values(), key=lambda kept: kept.kept_at, reverse=True))


def kept_database(service: str, name: str) -> KeptDatabase:
    """Raises KeptNotFound: it is not there, or it is not one that was replaced."""
    for kept in kept_databases(service):
        if kept.name == name:
            return kept
    raise KeptNotFound(_("%(service)s has no kept database %(name)s.") % {"service": service, "name": name})


def kept_files(service: str) -> tuple[KeptTree, ...]:
    """Folders and files of the service that restores replaced and kept, newest first. Raises NotFound."""
    get_service(service)
    rows = KeptFiles.objects.filter(service=service, state=KeptState.KEPT, dropping_by="")
    rows = rows.order_by("-kept_at", "name")
    return tuple(
        KeptTree(row.name, row.path, row.kept_path, row.kept_at, row.kept_by, row.size_bytes, row.expires_at)
        for row in rows
    )
