"""Resume everything: the procedure in order and beside the backups, Bonança's own database, and the exercise."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM
from bonanca.access.operations.create_token import create_token
from bonanca.actuators.postgres.rows import count_rows
from bonanca.catalog.spec import ReplicaSpec, RepositorySpec, RunSpec, ServiceView, VerifySpec
from bonanca.durable.models import PlanRun, PlanStep
from bonanca.recovery.cli import backup_self, exercise
from bonanca.recovery.fetching import NoReplicaIntact
from bonanca.recovery.identities import create_identity_file
from bonanca.recovery.models import OwnBackup
from bonanca.recovery.operations.finish_exercise import ExerciseNotDone, finish_exercise
from bonanca.recovery.operations.spread_procedure import spread_procedure
from bonanca.recovery.operations.start_exercise import ExerciseRunning, start_exercise
from bonanca.recovery.operations.take_backup import NoReplicaStored, take_backup
from bonanca.recovery.operations.take_own_backup import take_own_backup
from bonanca.recovery.operations.tick_step import StepNotOpen, begin_step, collect_steps, tick_step
from bonanca.recovery.operations.verify_own_backup import verify_own_backup
from bonanca.recovery.operations.watch_readiness import watch_readiness
from bonanca.recovery.own import OwnBackupNotDeclared
from bonanca.recovery.own_restore import TargetNotEmpty, into_database
from bonanca.recovery.procedure_text import markdown
from bonanca.recovery.queries.exercises import exercises_status
from bonanca.recovery.queries.own import own_backup_due, own_status
from bonanca.recovery.queries.procedure import FILE_NAME, in_order, procedure
from bonanca.recovery.state import ExerciseState
from bonanca.recovery.tests.shop import NOW
from bonanca.signals.queries import alerts

WORKER = SYSTEM("test")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def own_places(settings, tmp_path, db):
    """Two places and a key for Bonança's own database."""
    public = create_identity_file(tmp_path / "own-keys" / "own.age")
    settings.SELF_BACKUP_PLACES = (str(tmp_path / "own-a"), str(tmp_path / "own-b"))
    settings.SELF_BACKUP_RECIPIENTS = (public,)
    settings.SELF_BACKUP_IDENTITY_FILE = tmp_path / "own-keys" / "own.age"
    settings.SELF_BACKUP_EVERY_H = 24.0
    return tmp_path


def named(slug, *needs, critical=False):
    return ServiceView(slug=slug, name=slug, team_slug="loja", critical=critical, depends_on=needs)


def test_services_come_after_what_they_need_and_critical_ones_first():
    services = [named("a", "c"), named("b", critical=True), named("c"), named("d", "b", "nobody")]
    order, circle = in_order(services)
    assert [service.slug for service in order] == ["b", "c", "a", "d"]
    assert circle == []
    order, circle = in_order([named("x", "y"), named("y", "x"), named("z", "z")])
    assert {service.slug for service in order} == {"x", "y", "z"}
    assert set(circle) == {"x", "y"}


def test_the_procedure_says_what_from_where_with_which_key_and_how_long(shop):
    shop.declare(repository=RepositorySpec("https://bot:geheim@git.example/loja.git"))
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    text = markdown(procedure(NOW))
    source = f"{backup.replicas[0].place}/{backup.object_name}"
    key = shop.folder / "keys" / "key.age"
    assert f"bonanca backup open {source} --identity-file {key} --unpack loja-api-backup" in text
    assert "pg_restore --create --dbname=postgres loja-api-backup/database.dump" in text
    assert "SELECT count(*) FROM orders" in text
    assert "never measured" in text
    assert "never restored for proof" in text
    assert backup.sha256 in text
    assert "Bonança's own database has no good backup" in text
    for secret in ("geheim", "AGE-SECRET-KEY", shop.dsn):
        assert secret not in text


def test_what_one_types_has_no_placeholder_left_and_is_asked_of_every_replica(shop):
    run = RunSpec(("{python}", "-m", "shop", "--port", "{port}"), (ReplicaSpec(9101), ReplicaSpec(9102)))
    shop.declare(run=run, migrate=("{python}", "-m", "migrate"), verify=(VerifySpec("list", http="/products"),))
    steps = {step.title: step for step in procedure(NOW).steps}
    start = next(step for title, step in steps.items() if "start" in title)
    assert start.commands == ("python3 -m migrate", "python3 -m shop --port 9101", "python3 -m shop --port 9102")
    check = next(step for title, step in steps.items() if "check" in title)
    assert check.checks[:2] == (
        "curl -fsS http://127.0.0.1:9101/products",
        "curl -fsS http://127.0.0.1:9102/products",
    )


def test_it_lies_beside_the_backups_and_is_renewed_only_when_something_changed(shop):
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    assert spread_procedure(now=NOW) == []
    files = [shop.folder / place / FILE_NAME for place in ("a", "b")]
    first = files[0].read_text()
    assert "Retomar tudo" in first  # the installation's language, whoever asked
    files[1].unlink()
    assert spread_procedure(now=NOW + MINUTE) == []
    assert not files[1].exists()  # nothing has changed
    take_backup(service=shop.slug, actor=WORKER, now=NOW + MINUTE)
    assert spread_procedure(now=NOW + MINUTE) == []
    assert files[0].read_text() != first
    assert files[1].exists()


def test_a_place_that_does_not_take_it_is_named_and_holds_up_no_other(shop):
    (shop.folder / "a").write_text("in the way")
    (problem,) = spread_procedure(now=NOW)
    assert str(shop.folder / "a") in problem
    assert (shop.folder / "b" / FILE_NAME).exists()
    (shop.folder / "a").unlink()
    assert spread_procedure(now=NOW + MINUTE) == []
    spread_procedure(now=NOW + 11 * MINUTE)
    assert (shop.folder / "a" / FILE_NAME).exists()


def test_its_own_database_is_taken_and_restored_for_proof(own_places):
    assert own_backup_due(NOW)
    backup = take_own_backup(actor=WORKER, now=NOW)
    assert backup.state == "stored"
    for place, stored, _error in backup.places:
        assert stored
        assert Path(place, backup.object_name).read_bytes()[:3] != b"PGD"
    proven = verify_own_backup(actor=WORKER, now=NOW)
    assert (proven.state, proven.rows) == ("verified", backup.rows)
    assert own_status(NOW).problem == ""
    assert not own_backup_due(NOW)
    assert own_backup_due(NOW + timedelta(hours=25))
    text = markdown(procedure(NOW))
    assert f"bonanca backup self restore {backup.places[0][0]}/{backup.object_name}" in text
    Path(backup.places[0][0], backup.object_name).write_bytes(b"noise")
    assert verify_own_backup(actor=WORKER, now=NOW).state == "verified"  # from the other place
    Path(backup.places[1][0], backup.object_name).unlink()
    with pytest.raises(NoReplicaIntact):
        verify_own_backup(actor=WORKER, now=NOW)
    assert OwnBackup.objects.get().state == "failed"


def test_nothing_of_it_is_refused_silently(own_places, settings):
    for place in settings.SELF_BACKUP_PLACES:
        Path(place).write_text("in the way")
    with pytest.raises(NoReplicaStored):
        take_own_backup(actor=WORKER, now=NOW)
    assert str(settings.SELF_BACKUP_PLACES[0]) in own_status(NOW).problem
    watch_readiness(now=NOW)
    assert [a.labels["alertname"] for a in alerts(state="firing")] == ["OwnBackup"]
    settings.SELF_BACKUP_PLACES = ()
    assert "declared" in own_status(NOW).problem
    with pytest.raises(OwnBackupNotDeclared, match="Nobody declared"):
        take_own_backup(actor=WORKER, now=NOW)
    assert not own_backup_due(NOW)


def test_it_comes_back_where_it_will_live_and_overwrites_nothing(own_places, shop_server, tmp_path):
    backup = take_own_backup(actor=WORKER, now=NOW)
    sealed = str(Path(backup.places[0][0], backup.object_name))
    target = shop_server.dsn("bonanca_again")
    (tmp_path / "address").write_text(target)
    key = str(own_places / "own-keys" / "own.age")
    command = ["restore", sealed, "--identity-file", key, "--to-file", str(tmp_path / "address"), "--json"]
    try:
        done = json.loads(CliRunner().invoke(backup_self.own, command, catch_exceptions=False).stdout)
        with psycopg.connect(target) as connection:
            assert count_rows(connection) == done["restored"]["row_counts"]
            assert connection.execute("SELECT count(*) FROM django_migrations").fetchone()[0] > 20
        with pytest.raises(TargetNotEmpty, match="holds"):
            into_database(Path(sealed), target, tmp_path, [], lambda share, text: None)
    finally:
        with psycopg.connect(shop_server.dsn(), autocommit=True) as admin:
            admin.execute("DROP DATABASE IF EXISTS bonanca_again WITH (FORCE)")


def test_an_exercise_walks_through_every_step_and_keeps_what_was_seen(shop):
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    assert exercises_status(NOW).overdue
    walk = start_exercise(actor=WORKER, now=NOW)
    with pytest.raises(ExerciseRunning):
        start_exercise(actor=WORKER, now=NOW)
    restored = next(step for step in walk.steps if step.automatic)
    begun = begin_step(exercise_id=walk.id, number=restored.number, actor=WORKER, now=NOW)
    run = begun.steps[restored.number - 1].run_id
    with pytest.raises(StepNotOpen):
        tick_step(exercise_id=walk.id, number=restored.number, outcome="done", note="", actor=WORKER, now=NOW)
    assert collect_steps(now=NOW) == 0
    PlanStep.objects.filter(run_id=run).update(
        state="done", receipt={"drill_id": str(walk.id)}, started_at=NOW, finished_at=NOW
    )
    PlanRun.objects.filter(pk=run).update(state="succeeded", finished_at=NOW + MINUTE)
    assert collect_steps(now=NOW + MINUTE) == 1
    with pytest.raises(ExerciseNotDone, match="not done: 1"):
        finish_exercise(exercise_id=walk.id, note="", actor=WORKER, now=NOW)
    for step in walk.steps:
        if not step.automatic:
            tick_step(exercise_id=walk.id, number=step.number, outcome="done", note="ok", actor=WORKER, now=NOW)
    done = finish_exercise(exercise_id=walk.id, note="the key was in the safe", actor=WORKER, now=NOW)
    assert done.state is ExerciseState.PASSED
    assert done.steps[restored.number - 1].took_s == 60
    assert not exercises_status(NOW + timedelta(days=89)).overdue
    assert exercises_status(NOW + timedelta(days=91)).overdue


def test_a_failed_step_fails_the_exercise_and_reasons_are_asked_for(shop):
    walk = start_exercise(actor=WORKER, now=NOW)
    for step in walk.steps:
        with pytest.raises(Exception, match="why"):
            tick_step(exercise_id=walk.id, number=step.number, outcome="skipped", note=" ", actor=WORKER, now=NOW)
        tick_step(exercise_id=walk.id, number=step.number, outcome="failed", note="no key", actor=WORKER, now=NOW)
    assert finish_exercise(exercise_id=walk.id, note="", actor=WORKER, now=NOW).state is ExerciseState.FAILED
    with pytest.raises(ExerciseNotDone):
        finish_exercise(exercise_id=walk.id, note="", actor=WORKER, now=NOW)
    with pytest.raises(StepNotOpen):
        tick_step(exercise_id=walk.id, number=1, outcome="done", note="", actor=WORKER, now=NOW)


def test_pages_commands_and_api_walk_the_same_way(shop, owner, member, stranger):
    take_backup(service=shop.slug, actor=WORKER, now=datetime.now(UTC))
    browser = Client()
    browser.force_login(owner)
    assert "Como tudo é retomado" in browser.get("/procedure/").content.decode()
    assert browser.get("/procedure/markdown/")["Content-Type"].startswith("text/markdown")
    url = browser.post("/procedure/exercises/")["Location"]
    assert browser.post(f"{url}steps/2/begin/").status_code == 302
    assert browser.post(f"{url}steps/1/tick/", {"outcome": "done", "note": "seen"}).status_code == 302
    page = browser.get(url).content.decode()
    assert "seen" in page
    assert "<textarea" in page
    outside = Client()
    outside.force_login(member)
    assert outside.post("/procedure/exercises/").status_code == 403
    runner = CliRunner()
    (found,) = json.loads(runner.invoke(exercise.exercise, ["list", "--json"], catch_exceptions=False).stdout)
    assert found["steps"][0]["state"] == "done"
    assert runner.invoke(exercise.exercise, ["list", "--check"]).exit_code == 1
    gone = ["finish", found["id"], "--abandon", "--note", "fire alarm", "--json"]
    assert json.loads(runner.invoke(exercise.exercise, gone, catch_exceptions=False).stdout)["state"] == "abandoned"
    token = create_token(name="ci", user_email=owner.email, actor=WORKER, now=datetime.now(UTC))
    api = Client(headers={"Authorization": f"Bearer {token.secret}"})
    assert api.get("/api/v1/procedure").json()["steps"][0]["number"] == 1
    made = api.post("/api/v1/exercises").json()
    path = f"/api/v1/exercises/{made['id']}"
    ticked = api.post(f"{path}/steps/1/tick", {"outcome": "done"}, content_type="application/json").json()
    assert ticked["steps"][0]["state"] == "done"
    body = {"abandon": True, "note": "x"}
    assert api.post(f"{path}/finish", body, content_type="application/json").json()["state"] == "abandoned"
    assert api.get("/api/v1/own-backups").json() == []
