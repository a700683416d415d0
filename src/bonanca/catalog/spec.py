"""What a catalog declares, as frozen values: teams, people, services and everything a service promises.

The names are those of `bonanca.yaml`. Paths are absolute (relative ones were resolved against their file), times carry
their unit in the name, and a part that a team did not declare is `None` or an empty tuple. Other rooms get these values
from `bonanca.catalog.queries`; nobody but `catalog.documents` builds them from text.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec
from django.utils.translation import gettext as _
from psycopg.conninfo import make_conninfo

from bonanca.kernel.errors import Unavailable

Scalar = str | int | float | bool | None

ENVIRONMENTS = ("production", "development")
ROLES = ("viewer", "responder", "commander", "admin")
LOCALES = ("pt-br", "en")
SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class MemberSpec:
    """One person of a team. `role` is one of ROLES, `locale` one of LOCALES, `time_zone` an IANA name."""

    email: str
    name: str
    role: str = "responder"
    locale: str = "pt-br"
    time_zone: str = "America/Sao_Paulo"


@dataclass(frozen=True)
class TeamSpec:
    """A team; `on_call` lists e-mails of members, first one is paged first."""

    slug: str
    name: str
    members: tuple[MemberSpec, ...] = ()
    on_call: tuple[str, ...] = ()


@dataclass(frozen=True)
class RouteSpec:
    """Requests that the gateway sends to the service. `host` None means every host."""

    path_prefix: str = "/"
    host: str | None = None


@dataclass(frozen=True)
class GatewaySpec:
    """The gateway (by name) in front of a service, and what it routes there."""

    name: str
    routes: tuple[RouteSpec, ...]


@dataclass(frozen=True)
class RepositorySpec:
    """A git repository: `path` is absolute, or an address with a scheme."""

    path: str
    branch: str = "main"


@dataclass(frozen=True)
class ReplicaSpec:
    """One process of a service, by the address where it listens."""

    port: int
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        """Base address for the gateway and for checks, without a trailing slash."""
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True)
class HealthSpec:
    """Where a replica tells whether it is well; a start that is not healthy within `timeout_s` seconds has failed."""

    path: str = "/"
    timeout_s: float = 15.0


@dataclass(frozen=True)
class RunSpec:
    """How a service runs. An empty `command` means that something else runs it and Bonança only routes and checks."""

    command: tuple[str, ...]
    replicas: tuple[ReplicaSpec, ...]
    health: HealthSpec | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    python: str | None = None


@dataclass(frozen=True)
class ConfigSpec:
    """The configuration file of a service and the file of its repository it is copied from at a release."""

    file: Path
    source: str | None = None


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

    def dsn(self, name: str | None = None) -> str:
        """The DSN of `dsn_file`, pointed at database `name` (default: the service's own).

        Raises:
            Unavailable: the file is missing, unreadable or empty.
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
        database = name or self.name
        if "://" in text:
            return urlunsplit(urlsplit(text)._replace(path="/" + quote(database, safe="")))
        return make_conninfo(text, dbname=database)


@dataclass(frozen=True)
class VerifySpec:
    """One check from outside: `http` (a path, with `expect_status` and `contains`) or `sql` (`equals` / `at_least`)."""

    name: str
    http: str | None = None
    expect_status: int = 200
    contains: str | None = None
    sql: str | None = None
    equals: Scalar = None
    at_least: float | None = None


@dataclass(frozen=True)
class BackupCheck:
    """A query that a restored backup must answer with `equals`, or with a number of `at_least`."""

    sql: str
    equals: Scalar = None
    at_least: float | None = None


@dataclass(frozen=True)
class BackupSpec:
    """Backup policy: hours between backups, replicas (folders or URLs), age recipients, the checks of a drill."""

    every_h: float
    replicas: tuple[str, ...]
    recipients: tuple[str, ...] = ()
    identity_file: Path | None = None
    checks: tuple[BackupCheck, ...] = ()


@dataclass(frozen=True)
class StatusPageSpec:
    """The name under which customers know the service."""

    component: str


@dataclass(frozen=True)
class BurnAlert:
    """Fires when the budget burns `burn_rate` times too fast in both windows (SRE Workbook, chapter 5)."""

    severity: str
    burn_rate: float
    long_s: float
    short_s: float


@dataclass(frozen=True)
class SloSource:
    """Where good and total events come from: a gateway's counters of `service`, or two queries of a metrics store.

    `kind` is "gateway" or the lower-cased OpenSLO metric source type ("prometheus", …).
    """

    kind: str = "gateway"
    gateway: str | None = None
    service: str | None = None
    good: str | None = None
    bad: str | None = None
    total: str | None = None


@dataclass(frozen=True)
class SloSpec:
    """A service level objective: `objective` percent of the events of the last `window_s` seconds are good."""

    slug: str
    name: str
    objective: float
    window_s: float
    source: SloSource
    alerts: tuple[BurnAlert, ...] = ()
    description: str = ""
    budgeting: str = "occurrences"
    slice_s: float | None = None
    slice_target: float | None = None


@dataclass(frozen=True)
class ServiceView:
    """A declared service, whole. Optional parts are `None` when the team did not declare them."""

    slug: str
    name: str
    team_slug: str
    critical: bool = False
    environment: str = "production"
    description: str = ""
    depends_on: tuple[str, ...] = ()
    gateway: GatewaySpec | None = None
    repository: RepositorySpec | None = None
    root: Path | None = None
    run: RunSpec | None = None
    config: ConfigSpec | None = None
    migrate: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()
    database: DatabaseSpec | None = None
    verify: tuple[VerifySpec, ...] = ()
    backup: BackupSpec | None = None
    status_page: StatusPageSpec | None = None
    slos: tuple[SloSpec, ...] = ()

    def placeholders(self, *, release: Path | None = None, replica: ReplicaSpec | None = None) -> dict[str, str]:
        """Values for {python}, {config}, {release} and (for a replica) {port} in the service's commands."""
        values = {"python": (self.run.python if self.run else None) or sys.executable}
        if self.config is not None:
            values["config"] = str(self.config.file)
        if release is not None:
            values["release"] = str(release)
        if replica is not None:
            values["port"] = str(replica.port)
        return values

    def digest(self) -> str:
        """SHA-256 of the canonical JSON: equal digests mean that nothing declared has changed."""
        canonical = json.dumps(to_json(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True)
class Catalog:
    """Everything that one file (or directory) declares."""

    teams: tuple[TeamSpec, ...] = ()
    services: tuple[ServiceView, ...] = ()


def to_json(service: ServiceView) -> dict[str, Any]:
    """The service as JSON-able builtins; `from_json` is its inverse."""
    result: dict[str, Any] = msgspec.to_builtins(service, enc_hook=str)
    return result


def from_json(data: Mapping[str, Any]) -> ServiceView:
    """The service that `to_json` wrote; unknown keys of a newer version are ignored."""
    return msgspec.convert(data, ServiceView, dec_hook=lambda kind, value: kind(value))
