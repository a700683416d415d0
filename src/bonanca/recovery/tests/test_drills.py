"""Drills on a schedule: when they are due, what they measure, and what is said when they do not hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM
from bonanca.access.operations.create_token import create_token
from bonanca.catalog.documents.load import load_text
from bonanca.catalog.documents.problems import CatalogInvalid
from bonanca.catalog.spec import BackupCheck, DrillSpec, from_json, to_json
from bonanca.durable.models import PlanRun
from bonanca.durable.queries import list_runs
from bonanca.recovery import queries
from bonanca.recovery.charting import gaps_of
from bonanca.recovery.cli.drill import app
from bonanca.recovery.models import Backup, Drill
from bonanca.recovery.operations.begin_drill import NothingToDrill
from bonanca.recovery.operations.start_due_drills import drill_service, start_due_drills
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.operations.verify_backup import verify_backup
from bonanca.recovery.operations.watch_readiness import watch_readiness
from bonanca.recovery.queries.readiness import drill_due_at
from bonanca.recovery.scratch import DrillNotHeld
from bonanca.recovery.state import BackupMark, BackupState, DrillMark, DrillState
from bonanca.recovery.tests.shop import NOW
from bonanca.signals.operations.settle_alerts import Settled
from bonanca.signals.queries import alerts, current

WORKER = SYSTEM("test")
HOUR = timedelta(hours=1)


def scheduled(make_shop, **spec):
    shop = make_shop()
    shop.declare_backup(drill=DrillSpec(**spec))
    return shop


def stored(shop, at=NOW, state=BackupState.STORED, **facts):
    """A backup's row, as one that was stored at that moment would have it."""
    return Backup.objects.create(
        service=shop.slug, state=state, taken_by="test", started_at=at, snapshot_at=at, finished_at=at, beat_at=at,
        database=shop.name, verified_at=at if state is BackupState.VERIFIED else None, **facts,
    )  # fmt: skip


def drilled(backup, at=NOW, state=DrillState.PASSED, **facts):
    return Drill.objects.create(
        backup=backup, state=state, run_by="test", started_at=at, finished_at=at, beat_at=at, restore_seconds=3.0,
        **facts,
    )  # fmt: skip


def mark(shop, now=NOW):
    return queries.readiness_of(shop.slug, now).drill_mark


def burning(shop):
    return sorted(a.labels["alertname"] for a in alerts(state="firing", service=shop.slug))


def test_the_declaration_is_read_with_its_line_and_kept(tmp_path):
    text = """version: 1
teams: [{slug: loja}]
services:
  - slug: loja-api
    team: loja
    database: {dsn_file: ./dsn, name: loja}
    backup: {replicas: [./a], drill: {every_h: 6, pick: random, rpo_s: 3600, rto_s: 60}}
"""
    (service,) = load_text(text, name="bonanca.yaml", base=tmp_path).services
    assert service.backup.drill == DrillSpec(6, "random", 3600, 60)
    assert from_json(to_json(service)) == service
    old = to_json(service)
    del old["backup"]["drill"]
    assert from_json(old).backup.drill is None
    with pytest.raises(CatalogInvalid, match=r"bonanca\.yaml:7: .*pick is not valid.*newest, random"):
        load_text(text.replace("random", "oldest"), name="bonanca.yaml", base=tmp_path)


def test_nothing_is_due_without_a_schedule_or_a_backup(make_shop):
    shop = make_shop()
    stored(shop)
    assert drill_due_at(shop.service, NOW) is None
    shop.declare_backup(drill=DrillSpec(every_h=6))
    Backup.objects.all().delete()
    assert drill_due_at(shop.service, NOW) is None
    with pytest.raises(NothingToDrill, match="loja-api"):
        drill_service(service=shop.slug, actor=WORKER, now=NOW, key="k")


def test_the_first_drill_is_due_at_once_and_one_is_enough(make_shop):
    shop = scheduled(make_shop, every_h=6)
    backup = stored(shop)
    assert start_due_drills(now=NOW) == []
    assert start_due_drills(now=NOW + HOUR) == []
    (run,) = list_runs(subject=f"service:{shop.slug}", kind="drill")
    assert run.step("verify").params["backup_id"] == str(backup.id)
    PlanRun.objects.filter(pk=run.id).update(state="succeeded", finished_at=NOW)
    assert drill_due_at(shop.service, NOW) == run.created_at + 6 * HOUR


def test_a_failed_drill_is_tried_again_sooner(make_shop):
    shop = scheduled(make_shop, every_h=10)
    drilled(stored(shop), state=DrillState.FAILED, error="damaged")
    assert drill_due_at(shop.service, NOW) == NOW + HOUR
    assert mark(shop) is DrillMark.FAILED


def test_a_random_drill_takes_any_backup_that_can_be_restored(make_shop):
    shop = scheduled(make_shop, every_h=6, pick="random")
    there = {str(stored(shop, NOW - day * 24 * HOUR).id) for day in range(3)}
    stored(shop, NOW - 96 * HOUR, state=BackupState.FAILED)
    seen = {
        drill_service(service=shop.slug, actor=WORKER, now=NOW, key=f"k{n}").step("verify").params["backup_id"]
        for n in range(40)
    }
    assert seen == there


def test_a_random_drill_is_owed_whatever_is_proven_of_the_newest(make_shop):
    shop = scheduled(make_shop, every_h=6, pick="random")
    start_due_drills(now=NOW - 7 * HOUR)
    run = drill_service(service=shop.slug, actor=WORKER, now=NOW - 7 * HOUR, key="k") if stored(shop) else None
    PlanRun.objects.filter(pk=run.id).update(state="succeeded", finished_at=NOW - 6 * HOUR)
    drilled(stored(shop, NOW - HOUR), NOW - HOUR)
    assert drill_due_at(shop.service, NOW) == NOW - HOUR


def test_a_drill_measures_both_objectives_and_keeps_the_evidence(make_shop):
    shop = scheduled(make_shop, every_h=24, rpo_s=4 * 3600, rto_s=600)
    stored(shop, NOW - 5 * HOUR)
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    Backup.objects.filter(pk=backup.id).update(snapshot_at=NOW)
    drill = verify_backup(backup.id, actor=WORKER, now=NOW)
    found = queries.objectives_in(drill)
    assert (found.rto_s, found.rto_met) == (600, True)
    assert found.rto_measured_s == drill.restore_seconds
    # Five hours passed between the two good backups: so much would have been lost at the worst moment.
    assert (round(found.rpo_measured_s), found.rpo_met) == (5 * 3600, False)
    assert mark(shop) is DrillMark.MISSED
    watch_readiness(now=NOW)
    assert burning(shop) == ["RecoveryPointMissed"]
    # The next drill looks only at the time since the last passed one, and passes: the alert ends.
    verify_backup(backup.id, actor=WORKER, now=NOW + timedelta(minutes=5))
    assert mark(shop, NOW + timedelta(minutes=6)) is DrillMark.OK
    watch_readiness(now=NOW + timedelta(minutes=6))
    assert burning(shop) == []


def test_marks_follow_the_schedule(make_shop):
    shop = scheduled(make_shop, every_h=24)
    assert queries.readiness_of(shop.slug, NOW).backup_mark is BackupMark.NEVER
    backup = stored(shop)
    assert mark(shop) is DrillMark.NEVER
    drilled(backup)
    assert mark(shop) is DrillMark.OK
    assert mark(shop, NOW + 35 * HOUR) is DrillMark.OK
    assert mark(shop, NOW + 37 * HOUR) is DrillMark.OVERDUE
    assert queries.readiness_of(shop.slug, NOW + 37 * HOUR).backup_mark is BackupMark.OVERDUE


def test_an_alert_is_kept_while_it_lasts_and_ends_when_a_later_drill_passes(make_shop):
    shop = scheduled(make_shop, every_h=24)
    shop.declare_backup(checks=(BackupCheck("SELECT count(*) FROM products", equals=7),))
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    with pytest.raises(DrillNotHeld):
        verify_backup(backup.id, actor=WORKER, now=NOW)
    assert watch_readiness(now=NOW).fired == 1
    assert watch_readiness(now=NOW + HOUR) == Settled()
    (alert,) = alerts(state="firing", service=shop.slug)
    assert (alert.labels["alertname"], alert.severity, alert.door) == ("DrillFailed", "medium", "readiness")
    assert "expected 7, got 40" in alert.evidence["error"]
    # Nobody's request fails: the service itself is as it was.
    assert current(shop.slug, NOW).state != "burning"
    shop.declare_backup(checks=())
    verify_backup(backup.id, actor=WORKER, now=NOW + HOUR)
    assert watch_readiness(now=NOW + HOUR).resolved == 1


def test_late_and_failed_backups_are_alerts_too(make_shop):
    shop = scheduled(make_shop, every_h=24)
    drilled(stored(shop, NOW - 37 * HOUR), NOW - HOUR)
    stored(shop, NOW - HOUR, state=BackupState.FAILED, error="disk full")
    watch_readiness(now=NOW)
    assert burning(shop) == ["BackupFailed", "BackupOverdue"]
    stored(shop, NOW)
    watch_readiness(now=NOW)
    assert burning(shop) == []


def test_what_was_never_drilled_is_said_after_a_while(make_shop):
    shop = make_shop()
    stored(shop, NOW - 20 * HOUR)
    watch_readiness(now=NOW)
    assert burning(shop) == []
    watch_readiness(now=NOW + 17 * HOUR)
    assert "DrillNever" in burning(shop)
    shop.declare(backup=None)
    watch_readiness(now=NOW + 17 * HOUR)
    assert burning(shop) == []


def test_the_command_checks_and_exits_non_zero(make_shop):
    shop = scheduled(make_shop, every_h=24, rto_s=10)
    backup = stored(shop, datetime.now(UTC))
    runner = CliRunner()
    assert runner.invoke(app, ["list"]).exit_code == 0
    checked = runner.invoke(app, ["list", "--check"])
    assert checked.exit_code == 1
    assert "never" in checked.stdout
    drill = drilled(backup, datetime.now(UTC), evidence={"objectives": {"rto_s": 10, "rto_measured_s": 3.0}})
    assert runner.invoke(app, ["list", "--check"]).exit_code == 0
    (row,) = json.loads(runner.invoke(app, ["list", "--json"]).stdout)
    assert (row["drill_mark"], row["objectives"]["rto_measured_s"]) == ("ok", 3.0)
    (one,) = json.loads(runner.invoke(app, ["history", shop.slug, "--json"]).stdout)
    assert one["id"] == str(drill.id)
    assert "3 s of 10 s" in runner.invoke(app, ["show", str(drill.id)]).stdout
    started = json.loads(runner.invoke(app, ["start", shop.slug, "--random", "--json"]).stdout)
    assert started["state"] == "queued"


def test_pages_say_the_mark_and_show_the_evidence(make_shop, owner, stranger):
    shop = scheduled(make_shop, every_h=24, rto_s=600)
    browser = Client(headers={"Accept-Language": "en"})
    browser.force_login(owner)
    assert "sem backup ainda" in browser.get("/backups/").content.decode()
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    drill = verify_backup(backup.id, actor=WORKER, now=NOW)
    page = browser.get(f"/drills/{drill.id}/").content.decode()
    assert "SELECT count(*) FROM orders" in page
    for place in drill.evidence["replicas"]:
        assert place["place"] in page
    assert f"/drills/{drill.id}/" in browser.get(f"/backups/{shop.slug}/").content.decode()
    assert browser.post(f"/backups/{shop.slug}/drill/").status_code == 302
    assert [run.kind for run in list_runs(subject=f"service:{shop.slug}")] == ["drill"]
    outside = Client()
    outside.force_login(stranger)
    assert outside.post(f"/backups/{shop.slug}/drill/").status_code == 403


def test_the_api_gives_marks_and_evidence(make_shop, owner):
    shop = scheduled(make_shop, every_h=24)
    token = create_token(name="ci", user_email=owner.email, actor=WORKER, now=datetime.now(UTC))
    api = Client(headers={"Authorization": f"Bearer {token.secret}"})
    asked = api.post("/api/v1/drills", {"service": shop.slug}, content_type="application/json")
    assert asked.status_code == 409
    drill = drilled(stored(shop), evidence={"checks": []})
    assert api.get("/api/v1/readiness").json()[0]["service"] == shop.slug
    assert [one["id"] for one in api.get(f"/api/v1/drills?service={shop.slug}").json()] == [str(drill.id)]
    assert api.get(f"/api/v1/drills/{drill.id}").json()["evidence"] == {"checks": []}
    body = {"service": shop.slug, "pick": "random"}
    assert api.post("/api/v1/drills", body, content_type="application/json").status_code == 202


def test_the_service_page_draws_time_places_drills_and_cost(make_shop, owner):
    shop = scheduled(make_shop, every_h=24, rto_s=2, rpo_s=3600)
    now = datetime.now(UTC)
    for days in (3, 2, 1):
        backup = stored(shop, now - days * 24 * HOUR, state=BackupState.VERIFIED, size_bytes=2_000_000)
        for position, place in enumerate(("/a", "s3://bucket/b"), 1):
            backup.replicas.create(position=position, place=place, state="verified", size_bytes=2_000_000)
        drilled(backup, now - days * 24 * HOUR)
    browser = Client()
    browser.force_login(owner)
    page = browser.get(f"/backups/{shop.slug}/").content.decode()
    assert page.count('<svg role="img"') == 9
    assert "s3://bucket/b</text>" in page
    assert "6,0\u00a0MB" in page
    assert "1 d 0 h" in page
    assert page.count("var(--burning)") >= 6  # the recovery time and point exceed what is allowed
    week = browser.get(f"/backups/{shop.slug}/?days=7").content.decode()
    assert '<strong aria-current="true">7 dias' in week
    assert browser.get(f"/backups/{shop.slug}/?days=nine").status_code == 200
    drill_service(service=shop.slug, actor=WORKER, now=now, key="k")
    live = browser.get(f"/backups/{shop.slug}/", headers={"HX-Request": "true", "HX-Target": "running"})
    assert 'class="steps"' in live.content.decode()
    assert "<svg" not in live.content.decode()


def test_what_would_be_lost_ends_now_and_not_where_the_axis_ends():
    now = datetime(2026, 3, 12, 17, 36, 40, tzinfo=UTC)
    first, second = now - timedelta(hours=2), now - timedelta(seconds=30)
    assert gaps_of((), now) == []
    assert [seconds for _at, seconds in gaps_of((first, second), now)] == [2 * 3600 - 30, 0]
    assert [seconds for _at, seconds in gaps_of((first,), now)] == [2 * 3600 - 40]
