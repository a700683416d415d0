"""Read services: where they run, what they keep, how they are checked."""

from __future__ import annotations

import re
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.actuators.gateway.wire import backend_fault
from bonanca.catalog.documents.commands import read_command
from bonanca.catalog.documents.containers import docker_fits, read_docker
from bonanca.catalog.documents.contingencies import contingencies_fit, read_contingency
from bonanca.catalog.documents.drills import read_drill
from bonanca.catalog.documents.files import files_fit, read_files
from bonanca.catalog.documents.hosts import hosts_fit, read_host, read_units
from bonanca.catalog.documents.nodes import Node
from bonanca.catalog.documents.pgbackrest import read_pgbackrest
from bonanca.catalog.documents.places import read_places
from bonanca.catalog.documents.privacy import privacy_fits, read_privacy
from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.documents.reexecution import read_reexecution, reexecution_fits
from bonanca.catalog.documents.restoring import read_jobs, read_restore
from bonanca.catalog.documents.retention import read_retention
from bonanca.catalog.documents.rollback import read_rollback, rollback_fits
from bonanca.catalog.documents.slos import read_slo
from bonanca.catalog.documents.standby import read_standby
from bonanca.catalog.documents.supervision import read_restart
from bonanca.catalog.documents.verification import at_least, checks_fit, one_expectation, read_verify
from bonanca.catalog.documents.wal import read_physical
from bonanca.catalog.documents.watching import read_watch
from bonanca.catalog.spec import (
    ENVIRONMENTS,
    BackupCheck,
    BackupSpec,
    ConfigSpec,
    DatabaseSpec,
    GatewaySpec,
    HealthSpec,
    ReplicaSpec,
    RepositorySpec,
    RouteSpec,
    RowsAtRisk,
    RunSpec,
    ServiceView,
    StatusPageSpec,
)

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
# What the gateway can match; anything else would end inside a rule of its router.
_PREFIX = re.compile(r"/(?:[A-Za-z0-9._~@:+,=-]+(?:/[A-Za-z0-9._~@:+,=-]+)*/?)?")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Quoted whole by the rooms that use them; a dot separates the schema.
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}(\.[A-Za-z_][A-Za-z0-9_$]{0,62})?")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}")


def read_service(reader: Reader) -> ServiceView:
    """A service with all its parts; only slug and team are required."""
    slug = reader.slug("slug", required=True)
    reader.what = _("service '%(slug)s'") % {"slug": slug or "?"}
    config = reader.one("config", _config)
    root = reader.path("root")
    service = ServiceView(
        slug=slug,
        name=reader.text("name", slug, limit=200),
        team_slug=reader.slug("team", required=True),
        critical=reader.flag("critical"),
        environment=reader.choice("environment", ENVIRONMENTS, "production"),
        description=reader.text("description", limit=5000),
        depends_on=reader.words("depends_on"),
        gateway=reader.one("gateway", _gateway),
        repository=reader.one("repository", _repository),
        root=root,
        run=reader.one("run", _run),
        config=config,
        migrate=read_command(reader, "migrate"),
        replay=read_command(reader, "replay"),
        database=reader.one("database", _database),
        verify=reader.each("verify", read_verify, _("a check")),
        backup=reader.one("backup", lambda part: _backup(part, root)),
        restore=reader.one("restore", read_restore),
        status_page=reader.one("status_page", _status_page),
        rollback=reader.one("rollback", read_rollback),
        privacy=reader.one("privacy", read_privacy),
        contingencies=reader.each("contingencies", read_contingency, _("a contingency")),
        watch=reader.one("watch", read_watch),
        reexecution=reader.one("reexecution", read_reexecution),
        slos=reader.each("slo", lambda slo: read_slo(slo, slug), _("an SLO")),
    )
    _fits_together(reader, service)
    return service


def _gateway(reader: Reader) -> GatewaySpec:
    name = reader.slug("name") or "default"
    routes = reader.each("routes", _route, _("a route"), required=True)
    return GatewaySpec(name=name, routes=routes, standby=_standby(reader))


def _standby(reader: Reader) -> tuple[str, ...]:
    words = reader.words("standby")
    if any(backend_fault(word) for word in words):
        reader.bad(reader.entries["standby"], "standby", _("addresses such as http://10.0.0.2:8080, without a path"))
    return words


def _route(reader: Reader) -> RouteSpec:
    host = reader.pattern("host", _HOST, _("a host name such as loja.example")).lower() or None
    expected = _("a path such as / or /checkout: letters, digits, single slashes and . _ ~ @ : + , = -")
    prefix = reader.pattern("path_prefix", _PREFIX, expected) or "/"
    if {".", ".."} & set(prefix.split("/")) or len(prefix) > 200:
        reader.bad(reader.entries["path_prefix"], "path_prefix", expected)
    return RouteSpec(path_prefix=prefix, host=host)


def _repository(reader: Reader) -> RepositorySpec:
    branch = reader.text("branch", "main", limit=200)
    if branch.startswith("-"):
        # git would read it as an option.
        reader.bad(reader.entries["branch"], "branch", _("a branch name"))
    return RepositorySpec(path=reader.place("path"), branch=branch)


def _run(reader: Reader) -> RunSpec:
    return RunSpec(
        command=read_command(reader, "command"),
        replicas=reader.each("replicas", _replica, _("a replica"), required=True),
        health=reader.one("health", _health),
        env=_env(reader),
        python=_python(reader),
        restart=reader.one("restart", read_restart),
        systemd=reader.one("systemd", read_units),
        host=reader.one("host", read_host),
        docker=reader.one("docker", read_docker),
    )


def _replica(reader: Reader) -> ReplicaSpec:
    return ReplicaSpec(
        port=reader.integer("port", 0, minimum=1, maximum=65535, required=True),
        host=reader.pattern("host", _HOST, _("a host name or an address")).lower() or "127.0.0.1",
    )


def _health(reader: Reader) -> HealthSpec:
    return HealthSpec(
        path=reader.http_path("path", "/", required=True),
        timeout_s=reader.number("timeout_s", 15.0, above=True, maximum=3600),
    )


def _env(reader: Reader) -> dict[str, str]:
    node = reader.take("env")
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        reader.bad(node, "env", _("a mapping of names to texts"))
        return {}
    found: dict[str, str] = {}
    for name, child in node.value.items():
        value = child.value
        if not _ENV_NAME.fullmatch(name) or isinstance(value, (dict, list)) or "\x00" in str(value):
            reader.bad(child, f"env.{name[:60]}", _("a name such as LOG_LEVEL with a text"))
        else:
            found[name] = "" if value is None else child.shown() if isinstance(value, bool) else str(value)
    return found


def _python(reader: Reader) -> str | None:
    node = reader.take("python")
    if node is None:
        return None
    text = node.value if isinstance(node.value, str) else ""
    # A bare name is looked up in PATH by whoever starts it; anything with a slash is a file.
    return text if text and "/" not in text else reader.place_of(node, "python") or None


def _config(reader: Reader) -> ConfigSpec | None:
    file = reader.path("file", required=True)
    source = reader.text("source", limit=500) or None
    if source and (source.startswith("/") or ".." in source.split("/")):
        reader.bad(reader.entries["source"], "source", _("a path inside the repository, such as deploy/loja.toml"))
    return ConfigSpec(file=file, source=source) if file else None


def _database(reader: Reader) -> DatabaseSpec | None:
    dsn_file = reader.path("dsn_file", required=True)
    name = reader.text("name", required=True, limit=63)
    rows = reader.each("rows_at_risk", _rows, _("a table at risk"))
    standby = reader.one("standby", read_standby)
    return DatabaseSpec(dsn_file=dsn_file, name=name, rows_at_risk=rows, standby=standby) if dsn_file else None


def _rows(reader: Reader) -> RowsAtRisk:
    column = _("a column name")
    return RowsAtRisk(
        table=reader.pattern("table", _IDENTIFIER, _("a table name, with its schema where needed"), required=True),
        key=reader.pattern("key", _COLUMN, column, required=True),
        written_at=reader.pattern("written_at", _COLUMN, column, required=True),
    )


def _backup(reader: Reader, root: Path | None) -> BackupSpec:
    replicas, places = read_places(reader)
    backup = BackupSpec(
        every_h=reader.number("every_h", 24.0, above=True, maximum=24 * 366),
        replicas=replicas,
        recipients=tuple(_recipient(reader, node) for node in reader.items("recipients")),
        identity_file=reader.path("identity_file"),
        checks=reader.each("checks", _backup_check, _("a backup check")),
        drill=reader.one("drill", read_drill),
        places=places,
        retention=reader.one("retention", read_retention),
        min_copies=reader.integer("min_copies", 1, minimum=1, maximum=max(1, len(replicas))),
        physical=read_physical(reader),
        pgbackrest=read_pgbackrest(reader),
        files=reader.one("files", lambda part: read_files(part, root)),
        jobs=read_jobs(reader),
    )
    files_fit(reader, backup)
    return backup


def _recipient(reader: Reader, node: Node) -> str:
    text = str(node.value)
    if not re.fullmatch(r"age1[0-9a-z]{50,2000}", text):
        expected = _("a public key that starts with age1")
        if text.upper().startswith("AGE-SECRET-KEY"):
            # The value itself must not travel into logs.
            reader.wrong(
                node,
                _("%(what)s: this is a secret key; it must not be in the catalog") % {"what": reader.what},
                expected,
            )
        else:
            reader.bad(node, "recipients", expected)
    return text


def _backup_check(reader: Reader) -> BackupCheck:
    check = BackupCheck(
        sql=reader.text("sql", required=True, limit=10_000), equals=reader.scalar("equals"), at_least=at_least(reader)
    )
    one_expectation(reader, check.equals, check.at_least)
    return check


def _status_page(reader: Reader) -> StatusPageSpec:
    return StatusPageSpec(component=reader.text("component", required=True, limit=100))


def _fits_together(reader: Reader, service: ServiceView) -> None:
    """Parts that need one another."""
    if service.gateway and not (service.run and service.run.replicas):
        reader.wrong(
            reader.entries["gateway"],
            _("%(what)s: a gateway has nowhere to send requests") % {"what": reader.what},
            _("run.replicas with the ports of the service"),
        )
    if service.run and service.run.command and service.root is None:
        reader.wrong(
            reader.entries["run"],
            _("%(what)s: run.command needs root") % {"what": reader.what},
            _("the folder for releases and process records"),
        )
    uses_config = any("{config}" in word for word in (*_commands(service),))
    if uses_config and service.config is None:
        reader.wrong(reader.node, _("%(what)s: a command uses {config} but config is missing") % {"what": reader.what})
    checks_fit(reader, service, service.verify, "verify")
    rollback_fits(reader, service)
    hosts_fit(reader, service)
    privacy_fits(reader, service)
    contingencies_fit(reader, service)
    reexecution_fits(reader, service)
    docker_fits(reader, service)


def _commands(service: ServiceView) -> tuple[str, ...]:
    way_back = service.rollback
    checks = (*service.verify, *(way_back.verify if way_back else ()))
    return (
        *(service.run.command if service.run else ()),
        *service.migrate,
        *service.replay,
        *(way_back.pause + way_back.resume if way_back else ()),
        *(word for check in checks for word in check.command),
    )
