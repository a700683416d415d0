"""What is looked at in the database: does it answer, is it new enough, is it prepared, do the clocks agree."""

from __future__ import annotations

import os
import time

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.sandbox import choose_sandbox
from bonanca.cli.doctor.checks import Finding
from bonanca.kernel.errors import BonancaError
from bonanca.kernel.home import bonanca_home

_OLDEST = 15_00_00
_SKEW_WARN_S = 2.0
_DAEMON_S = 5.0


def database_checks() -> list[Finding]:
    """Return the findings about DATABASE_URL, or about the embedded server."""
    declared = os.environ.get("DATABASE_URL")
    if declared:
        try:
            dsn = _as_it_is_used()
        except BonancaError as problem:
            return [Finding("database", "fail", problem.message, problem.hint or "Set DATABASE_URL anew.")]
        return _look_into(dsn, "is DATABASE_URL right, and may this machine reach it?")
    cluster = Cluster(bonanca_home() / "postgres")
    if not (cluster.home / "data" / "PG_VERSION").exists():
        return [_can_embed()]
    if cluster.pid is None:
        return [Finding("database", "ok", f"embedded in {cluster.home}, stopped (`bonanca up` starts it)")]
    try:
        dsn = cluster.dsn("bonanca")
    except BonancaError as problem:
        return [Finding("database", "fail", problem.message, "Run this as the user that runs Bonança.")]
    return _look_into(dsn, f"look into {cluster.home}/log/postgres.log")


def _as_it_is_used() -> str:
    """DATABASE_URL as the settings have read it: libpq would read some otherwise, and repeat parts of a password.

    Raises:
        Invalid: it cannot be read.
    """
    from bonanca.kernel.boot import setup_django

    setup_django()
    from django.conf import settings
    from psycopg.conninfo import make_conninfo

    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    return make_conninfo("", **{ours: str(settings.DATABASES["default"][theirs]) for ours, theirs in names.items()})


def _can_embed() -> Finding:
    home = bonanca_home()
    there = home
    while not there.exists():
        there = there.parent
    try:
        way = choose_sandbox(there)
    except BonancaError as problem:
        return Finding("database", "fail", problem.message, problem.hint or "Set DATABASE_URL.")
    return Finding("database", "ok", f"none yet: `bonanca up` makes an embedded one (server run as: {way.name})")


def _look_into(dsn: str, advice: str) -> list[Finding]:
    import psycopg

    try:
        with psycopg.connect(dsn, connect_timeout=5, autocommit=True) as connection:
            version = connection.info.server_version
            address = f"{connection.info.host}:{connection.info.port}/{connection.info.dbname}"
            before = time.time()
            row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
            after = time.time()
            assert row is not None
            findings = [_version(version, address), _skew(float(row[0]) - (before + after) / 2)]
    except psycopg.Error as problem:
        text = (str(problem).strip() or type(problem).__name__).splitlines()[0]
        return [Finding("database", "fail", text, advice[0].upper() + advice[1:])]
    migrated = _migrations()
    return [*findings, migrated, *([_replicas(), *_daemons()] if migrated.status == "ok" else [])]


def _version(version: int, address: str) -> Finding:
    found = f"PostgreSQL {version // 10_000}.{version % 10_000} at {address}"
    if version < _OLDEST:
        return Finding("database", "fail", found, "PostgreSQL 15 or newer is needed.")
    return Finding("database", "ok", found)


def _skew(seconds: float) -> Finding:
    found = f"the database's clock differs by {abs(seconds):.2f} s"
    if abs(seconds) > _SKEW_WARN_S:
        return Finding("clocks", "warn", found, "Synchronise both: intervals are measured across machines.")
    return Finding("clocks", "ok", found)


def _migrations() -> Finding:
    from bonanca.kernel.boot import setup_django

    setup_django()
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    connection.close()
    if waiting:
        return Finding("migrations", "fail", f"{len(waiting)} not applied", "Run `bonanca migrate`.")
    return Finding("migrations", "ok", "all applied")


def _replicas() -> Finding:
    from django.db import connection

    from bonanca.response.queries import replicas

    known = replicas()
    given_up = [one for one in known if one.given_up]
    connection.close()
    if given_up:
        names = ", ".join(one.name for one in given_up)
        service = given_up[0].service
        return Finding(
            "replicas",
            "warn",
            f"given up after too many restarts: {names}",
            f"Look into its log, then: bonanca service restart {service} --reason …",
        )
    return Finding("replicas", "ok", f"{len(known)} known, none given up")


def _daemons() -> list[Finding]:
    """The Docker daemons in which services are declared to run."""
    from django.db import connection

    from bonanca.actuators.docker.engine import Engine, EngineAway, EngineRefused
    from bonanca.catalog.queries import list_services

    declared = {
        one.run.docker.endpoint for one in list_services() if one.run is not None and one.run.docker is not None
    }
    connection.close()
    findings = []
    for endpoint in sorted(declared):
        try:
            found = Engine(endpoint, patience_s=_DAEMON_S).version()
        except (EngineAway, EngineRefused) as away:
            findings.append(Finding("docker", "fail", away.message, away.hint or ""))
        else:
            findings.append(Finding("docker", "ok", f"{found} at {endpoint}"))
    return findings
