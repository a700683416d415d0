"""The resume-everything procedure, made from the catalog in dependency order and from the newest good backups."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import ServiceView
from bonanca.recovery import own
from bonanca.recovery.models import ProcedureCopy
from bonanca.recovery.queries.backups import latest_backup
from bonanca.recovery.queries.own import own_status
from bonanca.recovery.queries.procedure_data import data_commands
from bonanca.recovery.queries.procedure_start import code_commands, quoted, start_commands, variables
from bonanca.recovery.queries.readiness import readiness_of
from bonanca.recovery.state import HOLDING
from bonanca.recovery.views import BackupView
from bonanca.recovery.views.procedure import Procedure, ProcedureCopyView, ProcedureStep, SourceOfData

# A repository's address may carry a token; the procedure lies where others can read it.
_PASSWORD = re.compile(r"(://)[^/@\s]+@")
FILE_NAME = "RESUME-EVERYTHING.md"

OWN = gettext_noop("Bonança itself")
DATABASE = gettext_noop("%(service)s: bring back the database %(database)s")
FILES = gettext_noop("%(service)s: bring back its folders and files")
CODE = gettext_noop("%(service)s: bring back the code and the configuration")
START = gettext_noop("%(service)s: start it")
CHECK = gettext_noop("%(service)s: check from outside")

NO_OWN = gettext_noop("Bonança's own database has no good backup: plans, incidents and history would be lost.")
CYCLE = gettext_noop("These services need one another in a circle; start them together: %(services)s")
NO_BACKUP = gettext_noop("It has a database and no good backup.")
NO_FILES = gettext_noop("Its folders and files have no good backup.")
NOT_PROVEN = gettext_noop("This backup was never restored for proof.")
NO_DECLARED = gettext_noop("It declares a database and no backup.")
ITS_OWN = gettext_noop(
    "pgBackRest opens it with its own configuration (repositories, passphrase): keep a copy of that elsewhere."
)
VARIABLES = gettext_noop("Set these variables where you type this; their values are in the catalog: %(names)s")
NO_KEY = gettext_noop("No private key is declared: find the one of the recipients below.")


def procedure(now: datetime) -> Procedure:
    """Bonança itself first, then every service after what it needs."""
    services, circle = in_order(list_services())
    steps = [*_own_steps(now)]
    for service in services:
        steps += _service_steps(service, now)
    numbered = tuple(replace(step, number=number) for number, step in enumerate(steps, start=1))
    warnings = [json.dumps({"text": CYCLE, "facts": {"services": ", ".join(circle)}})] if circle else []
    return Procedure(now, _digest(numbered, warnings), numbered, tuple(warnings))


def procedure_copies() -> tuple[ProcedureCopyView, ...]:
    """Where the procedure lies, place by place."""
    rows = ProcedureCopy.objects.order_by("place")
    return tuple(ProcedureCopyView(row.place, row.digest, row.written_at, row.error) for row in rows)


def procedure_places() -> tuple[str, ...]:
    """Every place that holds backups: there the procedure must lie, too."""
    found = [place for service in list_services() if service.backup for place in service.backup.replicas]
    if own.declared():
        found += own.own_policy().places
    return tuple(dict.fromkeys(found))


def in_order(services: Iterable[ServiceView]) -> tuple[list[ServiceView], list[str]]:
    """Services after those that they need, critical ones first; and those that need one another in a circle."""
    left = {service.slug: service for service in sorted(services, key=lambda s: (not s.critical, s.slug))}
    known, done, circle = set(left), [], []
    while left:
        ready = [s for s in left.values() if not {d for d in s.depends_on if d in known} & set(left) - {s.slug}]
        if not ready:
            circle += [slug for slug in left if slug not in circle]
            ready = [next(iter(left.values()))]
        done.append(ready[0])
        del left[ready[0].slug]
    return done, circle


def _own_steps(now: datetime) -> list[ProcedureStep]:
    found = own_status(now).last_good
    if found is None:
        return [_step("", OWN, {}, warnings=(NO_OWN,), commands=("bonanca up", "bonanca apply bonanca.yaml"))]
    policy = own.own_policy() if own.declared() else None
    places = tuple(place for place, stored, _error in found.places if stored)
    key = policy.identity_file if policy else None
    source = SourceOfData(
        backup_id=found.id,
        taken_at=found.snapshot_at or found.started_at,
        proven_at=found.verified_at,
        object_name=found.object_name,
        places=places,
        size_bytes=found.size_bytes,
        sha256=found.sha256,
        rows=found.rows,
        database=found.database,
        identity_file=key,
        recipients=policy.recipients if policy else (),
    )
    fetched, local = _fetch(places, found.object_name)
    command = f"bonanca backup self restore {local} --identity-file {quoted(key)}"
    warnings = [] if found.verified_at else [NOT_PROVEN]
    return [
        _step(
            "",
            OWN,
            {},
            restorable=True,
            expected_s=found.restore_seconds,
            commands=(*fetched, command, "bonanca up", "bonanca doctor"),
            checks=("bonanca audit verify", "bonanca drill list"),
            source=source,
            warnings=tuple(warnings if key else [*warnings, NO_KEY]),
        )
    ]


def _service_steps(service: ServiceView, now: datetime) -> list[ProcedureStep]:
    steps = []
    if service.database is not None or service.backed_up:
        steps.append(_data_step(service, now))
    code = code_commands(service)
    if code:
        steps.append(_step(service.slug, CODE, {}, commands=tuple(code)))
    starts = start_commands(service)
    if starts:
        steps.append(_step(service.slug, START, {}, commands=tuple(starts), warnings=_about_variables(service)))
    checks = tuple(_checks(service))
    if checks:
        steps.append(_step(service.slug, CHECK, {}, checks=checks))
    return steps


def _about_variables(service: ServiceView) -> tuple[str, ...]:
    names = variables(service)
    return (json.dumps({"text": VARIABLES, "facts": {"names": ", ".join(names)}}),) if names else ()


def _checks(service: ServiceView) -> list[str]:
    """What answers that it works again, as commands where it is asked over HTTP."""
    urls = [replica.url for replica in service.run.replicas] if service.run else []
    health = service.run.health if service.run else None
    paths = [health.path] if health else []
    paths += [check.http for check in service.verify if check.http and check.http not in paths]
    others = [check.sql or check.name for check in service.verify if not check.http]
    return [*(f"curl -fsS {shlex.quote(url + path)}" for path in paths for url in urls), *others]


def _data_step(service: ServiceView, now: datetime) -> ProcedureStep:
    facts = {"database": service.database.name} if service.database else {}
    title = DATABASE if service.database else FILES
    backup = latest_backup(service.slug)
    if backup is None:
        warning = NO_BACKUP if service.backup and service.database else NO_DECLARED if service.database else NO_FILES
        return _step(service.slug, title, facts, restorable=True, warnings=(warning,))
    source = _source(service, backup)
    found = readiness_of(service.slug, now)
    passed = found.last_passed if found else None
    fetched, local = _fetch(source.places, backup.object_name)
    warnings = [] if backup.verified_at else [NOT_PROVEN]
    declared = [check.sql for check in service.backup.checks] if service.backup else []
    declared += [check.sql for check in service.verify if check.sql]
    return _step(
        service.slug,
        title,
        facts,
        restorable=True,
        expected_s=passed.restore_seconds if passed else None,
        commands=(
            *(fetched if backup.engine in ("logical", "files") else ()),
            *data_commands(backup, local, quoted(source.identity_file)),
            *_by_itself(service, backup),
        ),
        checks=tuple(declared),
        source=source,
        warnings=(*warnings, *_about_the_key(backup, source)),
    )


def _about_the_key(backup: BackupView, source: SourceOfData) -> list[str]:
    if backup.engine == "pgbackrest":
        return [ITS_OWN]
    return [] if source.identity_file else [NO_KEY]


def _by_itself(service: ServiceView, backup: BackupView) -> list[str]:
    """What brings a whole server back without Bonança, where another program keeps its backups."""
    spec = service.backup.pgbackrest if service.backup is not None else None
    if backup.engine != "pgbackrest" or spec is None:
        return []
    config = [f"--config={spec.config}"] if spec.config else []
    found = next(iter(backup.facts.get("labels", {}).items()), None)
    if found is None:
        return []
    place, label = found
    chosen = [f"--stanza={spec.stanza}", f"--repo={place.rpartition('/repo')[2]}", f"--set={label}"]
    return [shlex.join(["pgbackrest", *config, *chosen, "--type=immediate", "restore"])]


def _source(service: ServiceView, backup: BackupView) -> SourceOfData:
    policy = service.backup
    return SourceOfData(
        backup_id=backup.id,
        taken_at=backup.snapshot_at or backup.started_at,
        proven_at=backup.verified_at,
        object_name=backup.object_name,
        places=tuple(r.place for r in backup.replicas if r.state in HOLDING),
        size_bytes=backup.size_bytes,
        sha256=backup.sha256,
        rows=backup.rows,
        database=backup.database,
        identity_file=policy.identity_file if policy else None,
        recipients=policy.recipients if policy else (),
    )


def _fetch(places: tuple[str, ...], name: str) -> tuple[list[str], str]:
    """What brings the sealed file here, and where it then is; one in a folder is there already."""
    folder = next((place for place in places if "://" not in place), None)
    if folder is not None:
        return [], shlex.quote(f"{folder}/{name}")
    local = name.rpartition("/")[2]
    if not places:
        return [], shlex.quote(local)
    address = shlex.quote(f"{places[0]}/{name}")
    programs = {"s3": "aws s3 cp", "s3a": "aws s3 cp", "gs": "gsutil cp", "sftp": "sftp"}
    program = programs.get(places[0].partition("://")[0], "rclone copyto")
    return [f"{program} {address} {shlex.quote(local)}"], shlex.quote(local)


def _step(
    service: str,
    title: str,
    facts: dict[str, str],
    *,
    restorable: bool = False,
    expected_s: float | None = None,
    commands: tuple[str, ...] = (),
    checks: tuple[str, ...] = (),
    source: SourceOfData | None = None,
    warnings: tuple[str, ...] = (),
) -> ProcedureStep:
    named = {"service": service, **facts} if service else facts
    shown = tuple(_PASSWORD.sub(r"\1***@", command) for command in commands)
    return ProcedureStep(0, service, title, named, restorable, expected_s, shown, checks, source, warnings)


def _digest(steps: tuple[ProcedureStep, ...], warnings: list[str]) -> str:
    text = json.dumps([[str(vars(step)) for step in steps], warnings])
    return hashlib.sha256(text.encode()).hexdigest()
