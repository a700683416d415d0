"""A service's database, the rows that a rollback would set aside, and how it is backed up."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from django.utils.translation import gettext as _
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bonanca.catalog.spec.drills import DrillSpec
from bonanca.catalog.spec.files import FilesSpec
from bonanca.catalog.spec.pgbackrest import PgBackRestSpec
from bonanca.catalog.spec.places import PlaceSpec
from bonanca.catalog.spec.retention import RetentionSpec
from bonanca.catalog.spec.running import Scalar
from bonanca.catalog.spec.standby import StandbySpec
from bonanca.catalog.spec.wal import PhysicalSpec
from bonanca.kernel.errors import Unavailable


@dataclass(frozen=True)
class RowsAtRisk:
    """A table whose rows a data rollback would set aside: its key column and the column with the writing time."""

    table: str
    key: str
    written_at: str


@dataclass(frozen=True)
class DatabaseSpec:
    """The PostgreSQL database of a service. The DSN is in a file so that no password is in the catalog."""

    dsn_file: Path
    name: str
    rows_at_risk: tuple[RowsAtRisk, ...] = ()
    standby: StandbySpec | None = None

    def standby_dsn(self, name: str | None = None) -> str:
        """The DSN of the declared standby.

        Raises:
            Unavailable: its file is missing, unreadable or empty, or there is no standby.
        """
        if self.standby is None:
            raise Unavailable(_("No standby is declared."))
        return DatabaseSpec(self.standby.dsn_file, self.name).dsn(name)

    def dsn(self, name: str | None = None) -> str:
        """The DSN of `dsn_file`, pointed at database `name` (default: the service's own).

        Raises:
            Unavailable: the file is missing, unreadable or empty, or holds no address.
        """
        try:
            text = self.dsn_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(
                _("%(file)s: the database address cannot be read (%(reason)s)")
                % {"file": self.dsn_file, "reason": getattr(error, "strerror", None) or error},
                hint=_(
                    "Write the PostgreSQL address of the service into this file: postgresql://user:password@host/name"
                ),
            ) from error
        if not text:
            raise Unavailable(_("%(file)s: the database address is empty") % {"file": self.dsn_file})
        return _address(self.dsn_file, text, name or self.name)


def _address(file: Path, text: str, database: str) -> str:
    """The address of a file, pointed at a database. What is wrong in it is not repeated: it may be the password.

    Raises:
        Unavailable: it is no address, or one in which a character of the password ends it too early.
    """
    try:
        if "://" in text:
            parts = urlsplit(text)
            torn = "@" in parts.path or bool(parts.fragment)
            query = f"?{parts.query}" if parts.query else ""
            # By hand: without a host Python would leave out the slashes before it.
            address = f"{parts.scheme}://{parts.netloc}/{quote(database, safe='')}{query}"
        else:
            torn, address = False, make_conninfo(text, dbname=database)
        read = conninfo_to_dict(address)
    except (ValueError, psycopg.Error):
        torn, read = True, {}
    ports = str(read.get("port") or "").split(",")
    if torn or "@" in str(read.get("host") or "") or not all(port.isdigit() for port in ports if port):
        raise Unavailable(
            _("%(file)s holds no address of a PostgreSQL database") % {"file": file},
            hint=_(
                "Write postgresql://user:password@host/name, "
                "and characters of the password such as / @ : # by their percent codes."
            ),
        )
    return address


@dataclass(frozen=True)
class BackupCheck:
    """A query that a restored backup must answer with `equals`, or with a number of `at_least`."""

    sql: str
    equals: Scalar = None
    at_least: float | None = None


@dataclass(frozen=True)
class BackupSpec:
    """Backup policy: hours between backups, replicas (folders or URLs), age recipients, the checks of a drill.

    `jobs` is how many dump a database at a time (0: found out).

    `places` holds the options of those replicas that declare any; a backup waits for `min_copies` of its replicas.
    """

    every_h: float
    replicas: tuple[str, ...]
    recipients: tuple[str, ...] = ()
    identity_file: Path | None = None
    checks: tuple[BackupCheck, ...] = ()
    drill: DrillSpec | None = None
    places: tuple[PlaceSpec, ...] = ()
    min_copies: int = 1
    retention: RetentionSpec | None = None
    physical: PhysicalSpec | None = None
    pgbackrest: PgBackRestSpec | None = None
    files: FilesSpec | None = None
    jobs: int = 0

    def place(self, name: str) -> PlaceSpec:
        """The replica of that name with its options."""
        return next((place for place in self.places if place.place == name), PlaceSpec(name))

    @property
    def archives_log(self) -> bool:
        """Whether one can go back to any moment, not only to those of backups."""
        return self.pgbackrest is not None or (self.physical is not None and self.physical.wal is not None)

    @property
    def engine(self) -> str:
        """Who takes the backups: `logical` (one database, by pg_dump), `physical` (the server, with its log), or a
        `pgbackrest` that is set up already (the server, into repositories of its own)."""
        if self.pgbackrest is not None:
            return "pgbackrest"
        return "logical" if self.physical is None else "physical"
