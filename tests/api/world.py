"""One of everything that the API speaks of, of team `loja`, and the tokens of those who knock."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from bonanca.access.actors import SYSTEM, local_operator
from bonanca.access.models import TeamMembership, User
from bonanca.access.operations.create_token import create_token
from bonanca.aftercare.operations.list_failed import list_failed
from bonanca.aftercare.operations.start_watch import start_watch
from bonanca.catalog.documents.load import load_text
from bonanca.catalog.operations.apply_catalog import apply_catalog
from bonanca.delivery.operations.propose_change import propose_change
from bonanca.durable.models import PlanRun, PlanStep
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.durable.state import RunState, StepState
from bonanca.incidents.operations.open_incident import open_incident
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.kernel.clock import utc_now
from bonanca.kernel.ids import new_id
from bonanca.postmortems.operations.draft_postmortem import draft_postmortem
from bonanca.recovery.models import Backup, Drill, Pin, Restore
from bonanca.recovery.operations.open_review import NewPoint, open_review
from bonanca.recovery.operations.record_set_aside import record_set_aside
from bonanca.recovery.operations.start_exercise import start_exercise
from bonanca.recovery.state import BackupState, DrillState, RestoreMode, RestoreState, RowKind
from bonanca.response.models import ProposedPlan
from bonanca.response.operations.contain import contain
from bonanca.response.specs import spec_to_json
from bonanca.response.state import PlanKind, PlanState
from bonanca.risks.operations.start_contingency import start_contingency
from bonanca.risks.operations.tick_step import tick_step
from bonanca.signals.alertmanager import PostedAlert
from bonanca.signals.models import Alert
from bonanca.signals.operations.receive_alerts import receive_alerts
from bonanca.ui.phrases import Phrase

SERVICE, SLO = "loja-api", "loja-disponivel"
DECLARATION = """version: 1
teams:
  - slug: loja
    members: [{email: ana@loja.example, role: commander}, {email: beto@loja.example, role: responder}]
    on_call: [ana@loja.example]
services:
  - slug: loja-api
    team: loja
    gateway: {routes: [{path_prefix: /}]}
    repository: {path: ./repository, branch: main}
    root: ./root
    run:
      command: ["{python}", "-m", "http.server", "{port}"]
      replicas: [{port: 1}]
    contingencies:
      - {slug: loja-papel, when: fora, who: plantão, begin: [pegar o bloco], end: [digitar]}
      - {slug: loja-telefone, kind: channel, when: fora, who: suporte, begin: [abrir a linha], end: [fechar]}
    reexecution:
      sources: [{name: requests, log: {file: ./access.jsonl}, again: {http: {}}}]
    slo: [{slug: loja-disponivel, objective: 99.0, window_s: 1800}]
"""


@dataclass(frozen=True)
class World:
    """What the paths and bodies of the table refer to."""

    incident: int
    resolved: int
    change: int
    containment: UUID
    proposed: UUID
    ended_rollback: UUID
    run: UUID
    failed_run: UUID
    paused_run: UUID
    step: str
    alert: UUID
    backup: UUID
    drill: UUID
    exercise: UUID
    number: int
    pin: UUID
    set_aside: UUID
    restore: UUID
    started_restore: UUID
    review: UUID
    use: UUID
    ready_use: UUID
    watch: UUID
    reexecution: UUID
    tokens: dict[str, str]

    def values(self) -> dict[str, str]:
        """The names that paths may hold, such as `{incident}`."""
        return {name: str(value) for name, value in self.__dict__.items() if name != "tokens"}


def build(folder: Path) -> World:
    """Make it, through the rooms' own operations wherever they can."""
    root, now = local_operator(), utc_now()
    _repository(folder / "repository")
    (folder / "root").mkdir()
    failed = {"request_id": "r-1", "time": now.timestamp() - 60, "status": 500, "method": "POST", "path": "/checkout"}
    (folder / "access.jsonl").write_text(json.dumps(failed) + "\n")
    apply_catalog(load_text(DECLARATION, name="bonanca.yaml", base=folder), source="test", actor=root, now=now)
    burning = open_incident(title="Compras falham", service=SERVICE, severity="high", actor=root, now=now)
    resolved = open_incident(title="Lenta", service=SERVICE, severity="low", actor=root, now=now)
    resolve_incident(resolved.id, reason="voltou", actor=root, now=now)
    draft_postmortem(resolved.id, actor=SYSTEM("test"), now=now)
    change = propose_change(service=SERVICE, version="v2", title="Fidelidade", actor=root, now=now)
    containment = contain(
        incident_id=burning.id,
        action="disable",
        match="/checkout",
        expires_in_s=600,
        reason="falha",
        actor=root,
        now=now,
    )
    run, failed, paused = (_run(folder, key) for key in ("going", "failed", "paused"))
    PlanRun.objects.filter(id=paused).update(state=RunState.PAUSED)
    PlanRun.objects.filter(id=failed).update(state=RunState.FAILED, finished_at=now, error="disk full")
    PlanStep.objects.filter(run_id=failed).update(state=StepState.FAILED, attempts=1)
    receive_alerts([PostedAlert(labels={"alertname": "Disco", "service": SERVICE})], actor=root, now=now)
    ended = _proposed(folder, burning.id, state=PlanState.SUCCEEDED, run_id=failed)
    return World(
        incident=burning.number,
        resolved=resolved.number,
        change=change.number,
        containment=containment.id,
        proposed=_proposed(folder, burning.id, state=PlanState.PROPOSED),
        ended_rollback=ended,
        run=run,
        failed_run=failed,
        paused_run=paused,
        step="write",
        alert=Alert.objects.get().id,
        backup=(backup := _backup()).id,
        drill=_drill(backup).id,
        exercise=start_exercise(actor=root, now=now).id,
        number=1,
        pin=_pin(change.id).id,
        set_aside=_set_aside(folder),
        restore=_restore(folder).id,
        started_restore=_restore(folder, run_id=failed).id,
        review=_review(paused),
        use=_use("loja-papel"),
        ready_use=_use("loja-telefone", ticked=True),
        watch=start_watch(SERVICE, actor=root, now=now).id,
        reexecution=list_failed(SERVICE, since=now - timedelta(hours=1), actor=root, now=now).id,
        tokens=_tokens(),
    )


def _repository(path: Path) -> None:
    path.mkdir()
    _git(path, "init", "-q", "-b", "main")
    for version in ("v1", "v2"):
        (path / "app.py").write_text(f"print('{version}')\n")
        _git(path, "add", ".")
        _git(path, "-c", "user.name=Ana", "-c", "user.email=ana@loja.example", "commit", "-qm", version)
        _git(path, "tag", version)


def _git(path: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=path, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def run_v1_with_a_database(folder: Path) -> None:
    """From now on `v1` runs, and keeps data that no backup holds: the backup gate closes."""
    release = folder / "root" / "releases" / _git(folder / "repository", "rev-parse", "v1")[:12]
    release.mkdir(parents=True)
    (folder / "root" / "current").symlink_to(release)
    declared = DECLARATION.replace("    slo:", "    database: {dsn_file: ./dsn, name: loja}\n    slo:")
    catalog = load_text(declared, name="bonanca.yaml", base=folder)
    apply_catalog(catalog, source="test", actor=local_operator(), now=utc_now())


def _spec(folder: Path, name: str) -> PlanSpec:
    step = StepSpec("write", "files.write", {"path": str(folder / name), "content": "x"}, "Write", timeout_s=10)
    return PlanSpec("rollback", f"service:{name}", name, (step,), {"team": "loja"})


def _run(folder: Path, name: str) -> UUID:
    return start_plan(_spec(folder, name), actor=local_operator(), now=utc_now(), key=name).id


def _proposed(folder: Path, incident_id: UUID, *, state: str, run_id: UUID | None = None) -> UUID:
    now = utc_now()
    ended = {"approved_by": "person:ana", "approved_at": now, "finished_at": now} if run_id else {}
    row = ProposedPlan.objects.create(
        kind=PlanKind.ROLLBACK,
        service=SERVICE,
        team="loja",
        title="Loja de volta",
        incident_id=incident_id,
        spec=spec_to_json(_spec(folder, f"plan-{state}")),
        preview={},
        state=state,
        proposed_by="person:beto@loja.example",
        proposed_at=now,
        expires_at=now + timedelta(minutes=30),
        run_id=run_id,
        **ended,
    )
    return row.id


def _backup() -> Backup:
    now = utc_now()
    return Backup.objects.create(
        service=SERVICE, state=BackupState.FAILED, taken_by="test", started_at=now, database="loja", beat_at=now
    )


def _drill(backup: Backup) -> Drill:
    now = utc_now()
    return Drill.objects.create(
        backup=backup, state=DrillState.FAILED, run_by="test", started_at=now, finished_at=now, beat_at=now
    )


def _restore(folder: Path, *, run_id: UUID | None = None) -> Restore:
    now = utc_now()
    started = {"state": RestoreState.STARTED, "run_id": run_id, "started_at": now} if run_id else {}
    return Restore.objects.create(
        service=SERVICE,
        backup_id=Backup.objects.get().id,
        mode=RestoreMode.BESIDE,
        database="loja_x",
        spec={**spec_to_json(_spec(folder, "restore")), "title": {"text": "Restore", "facts": {}}},
        proposed_by="person:beto@loja.example",
        proposed_at=now,
        expires_at=now + timedelta(minutes=30),
        **started,
    )


def _pin(change_id: UUID) -> Pin:
    now = utc_now()
    return Pin.objects.create(
        key="pin",
        service=SERVICE,
        change_id=change_id,
        release_sha="a" * 40,
        taken_at=now,
        expires_at=now + timedelta(days=1),
    )


def _set_aside(folder: Path) -> UUID:
    file = folder / "rows.jsonl"
    file.write_text('{"table": "orders", "key": "1", "kind": "changed", "row": {}}\n')
    return record_set_aside(
        key="set-aside",
        run_id=new_id(),
        service=SERVICE,
        pin_id=new_id(),
        kept_database="loja_kept_1",
        file=file,
        file_sha256="a" * 64,
        rows=[("orders", "1", RowKind.CHANGED)],
        actor=SYSTEM("test"),
        now=utc_now(),
    ).id


def _review(run_id: UUID) -> UUID:
    points = [NewPoint("people", Phrase("2 people"), Phrase("They are erased again."))]
    return open_review(
        key="review", run_id=run_id, service=SERVICE, points=points, four_eyes=False, context={}, now=utc_now()
    ).id


def _use(slug: str, *, ticked: bool = False) -> UUID:
    actor, now = local_operator(), utc_now()
    begun = start_contingency(service=SERVICE, slug=slug, exercise=True, actor=actor, now=now)
    for step in begun.steps if ticked else ():
        tick_step(use_id=begun.id, number=step.number, outcome="done", note="", actor=actor, now=now)
    return begun.id


def _tokens() -> dict[str, str]:
    people = {
        "viewer": ("vera@loja.example", "viewer", "loja"),
        "stranger": ("caio@estoque.example", "responder", "estoque"),
        "responder": ("beto@loja.example", "responder", "loja"),
        "commander": ("ana@loja.example", "commander", "loja"),
    }
    made = {}
    for who, (email, role, team) in people.items():
        person, _ = User.objects.get_or_create(email=email, defaults={"name": who, "role": role})
        TeamMembership.objects.get_or_create(user=person, team=team)
        made[who] = _token(who, user_email=email, role=role)
    made["administrator"] = _token("administrator", role="admin")
    made["gateway"] = _token("gateway", role="viewer", scope="gateway")
    return made


def _token(name: str, *, role: str, scope: str = "api", user_email: str | None = None) -> str:
    return create_token(
        name=f"{name}-{new_id()}", role=role, scope=scope, user_email=user_email, actor=local_operator(), now=utc_now()
    ).secret
