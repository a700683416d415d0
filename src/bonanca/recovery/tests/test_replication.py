"""A standby is watched, and becomes the primary: two real servers, the old one closed, nothing lost, honest undo."""

from __future__ import annotations

import json
from datetime import timedelta

import psycopg
import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.access.operations.create_token import create_token
from bonanca.actuators.postgres import replication as servers
from bonanca.actuators.postgres.sessions import at_database
from bonanca.catalog.spec import ServerSpec
from bonanca.durable.errors import NotUndoable, StepFailed
from bonanca.recovery import queries
from bonanca.recovery.cli.replication import app
from bonanca.recovery.models import ReplicationSample
from bonanca.recovery.operations.preview_promotion import NoStandby, preview_promotion
from bonanca.recovery.operations.preview_rejoin import NoServersDeclared, preview_rejoin
from bonanca.recovery.operations.start_promotion import PromotionRefused
from bonanca.recovery.operations.start_rejoin import RejoinRefused, start_rejoin
from bonanca.recovery.operations.start_restore import AnotherPlanRuns
from bonanca.recovery.operations.watch_replication import watch_replication
from bonanca.recovery.tests.promoting import (
    WORKER,
    burning,
    caught_up,
    finish,
    now,
    promoting,
    replace_standby,
    with_folders,
)
from bonanca.recovery.tests.shop import Shop
from tests.support.poll import eventually


@pytest.fixture
def shop(paired: Shop) -> Shop:
    return paired


def test_a_standby_that_follows_is_measured_and_one_that_does_not_is_an_alert(pair, shop):
    caught_up(pair, shop)
    watch_replication(now=now())
    found = queries.replication_of(shop.slug)
    assert (found.healthy, found.error, found.lagging, found.holding) == (True, "", False, False)
    assert found.lag_bytes is not None
    assert found.checkpoint_age_s is not None
    assert found.wal_bytes > 0
    with psycopg.connect(pair.standby.dsn(), autocommit=True) as admin:
        admin.execute("SELECT pg_wal_replay_pause()")
    with psycopg.connect(pair.primary.dsn(), autocommit=True) as admin:
        admin.execute("SELECT pg_create_physical_replication_slot('lost', true)")
    shop.run("CREATE TABLE big AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 3000)")
    watch_replication(now=now())
    assert queries.replication_of(shop.slug).lag_bytes > 1e6
    assert burning() == ["StandbyLag"]
    with psycopg.connect(pair.standby.dsn(), autocommit=True) as admin:
        admin.execute("SELECT pg_wal_replay_resume()")
    caught_up(pair, shop)
    shop.declare(database=replace_standby(shop, max_wal_bytes=1e6))
    watch_replication(now=now())
    assert burning() == ["WalRetention"]
    pair.standby.stop()
    watch_replication(now=now())
    assert burning() == ["StandbyBroken"]
    assert str(pair.standby.port) in queries.replication_of(shop.slug).error
    watch_replication(now=now() + timedelta(days=4))
    assert ReplicationSample.objects.count() == 1


def test_the_standby_becomes_the_primary_with_every_row_and_the_old_one_is_closed(pair, shop):
    shown = preview_promotion(service=shop.slug, actor=WORKER, now=now())
    assert (shown.problems, shown.primary_answers) == ((), True)
    assert any("pg_rewind" in words for words in shown.undo)
    old, held = shop.dsn, psycopg.connect(shop.dsn, autocommit=True)
    held.execute("INSERT INTO orders (total_cents) VALUES (4242)")
    run = promoting(shop)
    with pytest.raises(AnotherPlanRuns):
        promoting(shop)
    run.do()
    with pytest.raises(psycopg.OperationalError):
        held.execute("INSERT INTO orders (total_cents) VALUES (1)")
    held.close()
    assert shop.ask("SELECT count(*) FROM orders WHERE total_cents = 4242") == [(1,)]
    assert shop.dsn == pair.standby.dsn("loja")
    shop.run("INSERT INTO orders (total_cents) VALUES (1)")
    assert servers.fenced(old)
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        psycopg.connect(old)
    assert run.receipts["promote"]["nothing_lost"]
    assert run.receipts["promote"]["timeline"] == run.receipts["preflight"]["timeline"] + 1
    for key in ("prove", "switch", "promote", "fence"):
        with pytest.raises(NotUndoable, match="lacks what was written since"):
            run.undo(key)
    assert shop.dsn == pair.standby.dsn("loja")


def test_the_way_back_is_to_rebuild_the_old_primary_and_promote_it(pair, shop):
    run = promoting(shop)
    run.do()
    shop.run("INSERT INTO orders (total_cents) VALUES (777)")
    pair.primary.stop()
    pair.follow(pair.primary, pair.standby)
    eventually(lambda: servers.look(pair.primary.dsn("loja")).streaming, 20.0)
    finish(run)
    again = promoting(shop)
    again.do()
    assert shop.dsn == pair.primary.dsn("loja")
    assert shop.ask("SELECT count(*) FROM orders WHERE total_cents = 777") == [(1,)]


def test_before_the_promotion_everything_can_be_taken_back(pair, shop):
    run = promoting(shop)
    with psycopg.connect(pair.standby.dsn(), autocommit=True) as admin:
        admin.execute("SELECT pg_wal_replay_pause()")
    run.do("preflight", "fence")
    with pytest.raises(StepFailed, match="does not catch up"):
        run.do("promote", timeout_s=1.0)
    assert run.undo("fence") == {"admitted": True}
    shop.run("INSERT INTO orders (total_cents) VALUES (1)")
    assert servers.look(pair.standby.dsn("loja")).in_recovery


def test_a_worker_that_takes_over_ends_what_was_begun(pair, shop):
    run = promoting(shop)
    run.do("preflight", "fence", "fence", "promote", "promote", "switch")
    before = shop.dsn
    run.do("switch", "prove")
    assert shop.dsn == before == pair.standby.dsn("loja")


def test_a_lost_primary_needs_a_person_who_accepts_the_loss(pair, shop):
    pair.primary.stop()
    with pytest.raises(PromotionRefused, match="what the standby has not received is lost"):
        promoting(shop)
    run = promoting(shop, accept_loss=True)
    run.do()
    assert run.receipts["fence"] == {"fenced": False, "lsn": None}
    assert not run.receipts["promote"]["nothing_lost"]
    assert len(shop.numbers()) == 60


def test_what_is_no_pair_is_refused_before_anything_is_touched(pair, shop, make_shop, shop_server, tmp_path):
    (tmp_path / "standby-dsn").write_text(at_database(shop_server.dsn(), "postgres"))
    shown = preview_promotion(service=shop.slug, actor=WORKER, now=now())
    assert "copy of another server" in shown.problems[0]
    with pytest.raises(PromotionRefused, match="copy of another server"):
        promoting(shop)
    shop.declare(database=shop.service.database.__class__(**{**vars(shop.service.database), "standby": None}))
    with pytest.raises(NoStandby, match="loja-api"):
        preview_promotion(service=shop.slug, actor=WORKER, now=now())


def test_page_command_and_api_say_the_same_and_start_the_plan(pair, shop, owner, stranger):
    watch_replication(now=now())
    browser = Client()
    browser.force_login(owner)
    page = browser.get(f"/backups/{shop.slug}/standby/").content.decode()
    assert "acompanha" in page
    assert "pg_rewind" in page
    assert "Standby" in browser.get(f"/backups/{shop.slug}/").content.decode()
    outside = Client()
    outside.force_login(stranger)
    assert "pg_rewind" not in outside.get(f"/backups/{shop.slug}/standby/").content.decode()
    assert outside.post(f"/backups/{shop.slug}/standby/promote/").status_code == 403
    runner = CliRunner()
    (row,) = json.loads(runner.invoke(app, ["list", "--check", "--json"], catch_exceptions=False).stdout)
    assert row["healthy"]
    shown = json.loads(runner.invoke(app, ["preview", shop.slug, "--json"], catch_exceptions=False).stdout)
    assert [step["key"] for step in shown["steps"]][:2] == ["preflight", "fence"]
    token = create_token(name="ci", user_email=owner.email, actor=WORKER, now=now())
    api = Client(headers={"Authorization": f"Bearer {token.secret}"})
    assert api.get("/api/v1/replication").json()[0]["service"] == shop.slug
    path = f"/api/v1/replication/{shop.slug}/promotion"
    assert api.get(path).json()["problems"] == []
    assert api.post(path, {}, content_type="application/json").status_code == 202
    assert browser.post(f"/backups/{shop.slug}/standby/promote/").status_code == 409


def test_the_way_back_needs_to_know_the_folders_and_forbids_what_is_no_old_primary(pair, shop, owner, stranger):
    with pytest.raises(NoServersDeclared, match="where the data folders"):
        preview_rejoin(service=shop.slug, actor=WORKER, now=now())
    with_folders(pair, shop)
    shown = preview_rejoin(service=shop.slug, actor=WORKER, now=now())
    assert shown.problems == ("The old server is a standby already.",)
    with pytest.raises(RejoinRefused, match="a standby already"):
        start_rejoin(service=shop.slug, actor=WORKER, now=now(), key="no")
    elsewhere = tuple(ServerSpec(shop.folder / name, ("true",), ("true",)) for name in ("x", "y"))
    shop.declare(database=replace_standby(shop, servers=elsewhere))
    assert "none of the declared" in preview_rejoin(service=shop.slug, actor=WORKER, now=now()).problems[0]


def test_the_way_back_is_shown_after_a_promotion_by_page_command_and_api(pair, shop, owner, stranger):
    with_folders(pair, shop)
    run = promoting(shop)
    run.do()
    finish(run)
    shown = preview_rejoin(service=shop.slug, actor=WORKER, now=now())
    assert shown.problems == ()
    assert shown.data == str(pair.primary.data)
    assert [step.key for step in shown.steps_back][:5] == [
        "rejoin_preflight",
        "close",
        "rejoin",
        "follows",
        "preflight",
    ]
    # Nobody has written down that nothing was lost (the steps were carried out here): it would be copied, not rewound.
    assert "Nobody has seen" in shown.why
    assert "before-" in shown.words[0]
    browser = Client()
    browser.force_login(owner)
    page = browser.get(f"/backups/{shop.slug}/standby/").content.decode()
    assert "Desfazer a promoção" in page
    outside = Client()
    outside.force_login(stranger)
    assert "Desfazer a promoção" not in outside.get(f"/backups/{shop.slug}/standby/").content.decode()
    assert outside.post(f"/backups/{shop.slug}/standby/rejoin/").status_code == 403
    told = CliRunner().invoke(app, ["rejoin", shop.slug, "--dry-run", "--json"], catch_exceptions=False)
    assert json.loads(told.stdout)["data"] == str(pair.primary.data)
    token = create_token(name="ci", user_email=owner.email, actor=WORKER, now=now())
    api = Client(headers={"Authorization": f"Bearer {token.secret}"})
    path = f"/api/v1/replication/{shop.slug}/rejoin"
    assert api.get(path).json()["problems"] == []
    assert api.post(path, {"back": True}, content_type="application/json").status_code == 202
    assert browser.post(f"/backups/{shop.slug}/standby/rejoin/").status_code == 409
