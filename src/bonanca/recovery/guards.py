"""What recovery refuses before it touches anything."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext as _

from bonanca.actuators.postgres.sessions import maintenance_dsn, system_identifier
from bonanca.catalog.spec import DatabaseSpec, ServiceView
from bonanca.kernel.errors import Invalid


class OwnServer(Invalid):
    """The service's database is on the server that holds Bonança's own records."""


class NoDatabaseDeclared(Invalid):
    """The service declares no database."""


def database_of(service: ServiceView) -> DatabaseSpec:
    """The service's declared database.

    Raises:
        NoDatabaseDeclared: with what to declare.
    """
    if service.database is None:
        raise NoDatabaseDeclared(
            _("The service %(service)s declares no database.") % {"service": service.slug},
            hint=_("Declare `database` (dsn_file, name) in bonanca.yaml and apply it."),
        )
    return service.database


def refuse_own_server(dsn: str) -> None:
    """Refuse to copy or swap databases of the server that holds the plans' journal.

    The journal never lives in a server that a plan restores: a restore would then rewrite the record of itself.
    Two addresses are the same server when their system identifiers are equal, whatever their host names say.

    Raises:
        OwnServer: they are. DatabaseUnreachable: the service's server does not answer.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier FROM pg_control_system()")
        row = cursor.fetchone()
    if row is not None and str(row[0]) == system_identifier(maintenance_dsn(dsn)):
        raise OwnServer(
            _("The service's database is on the PostgreSQL server that holds Bonança's own records of this plan."),
            hint=_("Give the service a PostgreSQL server of its own: a restore must not rewrite the record of itself."),
        )
