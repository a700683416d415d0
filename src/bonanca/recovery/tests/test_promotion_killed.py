"""A promotion that ends half way leaves nothing that fills a disk or keeps a service out, and can be ended later."""

from __future__ import annotations

import psycopg
import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.actuators.postgres import replication as servers
from bonanca.durable import crashpoints
from bonanca.durable.errors import NotUndoable
from bonanca.recovery.cli.replication import app
from bonanca.recovery.operations.preview_promotion import preview_promotion
from bonanca.recovery.operations.watch_replication import watch_replication
from bonanca.recovery.tests.promoting import WORKER, Run, burning, caught_up, finish, now, promoting, with_folders
from bonanca.recovery.tests.shop import Shop


@pytest.fixture
def shop(paired: Shop) -> Shop:
    return paired


class Killed(BaseException):
    """As SIGKILL."""


def killed_at(run: Run, place: str, *keys: str) -> None:
    """Carry out the steps, and die at the place."""

    def die(name: str) -> None:
        if name == place:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crashpoints, "hook", die)
        with pytest.raises(Killed):
            run.do(*keys)


def test_a_promotion_that_never_ended_leaves_no_slot_and_no_closed_database_when_it_is_undone(pair, shop):
    with_folders(pair, shop)
    for place in ("recovery.fence.log_kept", "recovery.promote.log_kept"):
        run = promoting(shop)
        killed_at(run, place, "preflight", "fence", "promote")
        # A receipt that was not written, as by a worker that died or a plan that was aborted.
        run.receipts.pop("fence", None)
        run.undo("promote")
        run.undo("fence")
        shop.run("INSERT INTO orders (total_cents) VALUES (1)")
        assert [servers.look(server.dsn("loja")).kept_bytes for server in (pair.primary, pair.standby)] == [None, None]
        finish(run, "cancelled")


def test_a_promotion_that_was_given_up_after_the_standby_was_promoted_is_ended_by_the_next(pair, shop):
    with_folders(pair, shop)
    for place, step in (("recovery.promote.promoted", "promote"), ("recovery.switch.half", "switch")):
        run = promoting(shop)
        killed_at(run, place)
        for key in ("switch", "promote") if step == "switch" else ("promote",):
            if key == "switch":
                run.undo(key)
                assert shop.dsn == pair.primary.dsn("loja")  # half of the exchange is none
                continue
            with pytest.raises(NotUndoable) as refused:
                run.undo(key)
            assert "once more" in refused.value.hint
        finish(run, "cancelled")
    assert preview_promotion(service=shop.slug, actor=WORKER, now=now()).begun
    again = promoting(shop)
    again.do()
    assert again.receipts["preflight"]["begun"]
    assert not again.receipts["promote"]["nothing_lost"]
    assert shop.dsn == pair.standby.dsn("loja")
    shop.run("INSERT INTO orders (total_cents) VALUES (1)")
    with psycopg.connect(pair.primary.dsn(), autocommit=True) as admin:
        admin.execute("ALTER DATABASE loja ALLOW_CONNECTIONS true")
    # Two that both take writes are no promotion that can be ended.
    (shop.folder / "standby-dsn").write_text(pair.standby.dsn("loja"))
    (shop.folder / "dsn").write_text(pair.primary.dsn("loja"))
    assert not preview_promotion(service=shop.slug, actor=WORKER, now=now()).begun


def test_a_slot_or_a_closed_database_that_no_plan_needs_is_an_alert_with_what_to_type(pair, shop, owner):
    with_folders(pair, shop)
    servers.keep_log(shop.dsn)
    servers.keep_log(pair.standby.dsn("loja"))
    servers.fence(shop.dsn)
    caught_up(pair, shop)
    watch_replication(now=now())
    assert sorted(burning()) == ["DatabaseLeftClosed", "OrphanSlot", "OrphanSlot"]
    browser = Client()
    browser.force_login(owner)
    page = browser.get(f"/backups/{shop.slug}/standby/").content.decode()
    assert page.count("pg_drop_replication_slot(&#x27;bonanca_rejoin&#x27;)") == 1
    listed = CliRunner().invoke(app, ["list", "--check"])
    assert listed.exit_code == 1
    assert "pg_drop_replication_slot('bonanca_rejoin')" in listed.stdout
    # While a plan works on the two, both are its own.
    run = promoting(shop)
    watch_replication(now=now())
    assert burning() == []
    finish(run, "cancelled")
    servers.admit(shop.dsn)
    for server in (pair.primary, pair.standby):
        servers.let_log_go(server.dsn("loja"))
    caught_up(pair, shop)
    watch_replication(now=now())
    assert burning() == []
