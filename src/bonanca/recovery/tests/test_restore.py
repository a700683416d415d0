"""A backup comes back beside the running database, or in its place, and can be taken back; refusals come first."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from bonanca.access.actors import SYSTEM, Actor, Role
from bonanca.actuators.postgres.sessions import at_database
from bonanca.catalog.spec import BackupCheck
from bonanca.durable.context import FenceToken, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.queries import get_run
from bonanca.durable.registry import handler
from bonanca.kernel.audit import history
from bonanca.kernel.errors import NotAllowed
from bonanca.recovery import folders, queries
from bonanca.recovery.identities import create_identity_file
from bonanca.recovery.models import Backup, Kept
from bonanca.recovery.operations.drop_kept import drop_kept
from bonanca.recovery.operations.keep_longer import keep_longer
from bonanca.recovery.operations.keep_replaced import keep_replaced
from bonanca.recovery.operations.open_kept import ReasonMissing, open_kept
from bonanca.recovery.operations.propose_restore import BadName, propose_restore
from bonanca.recovery.operations.start_restore import (
    AlreadyStarted,
    AnotherPlanRuns,
    PreviewTooOld,
    RestoreRefused,
    start_restore,
)
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.state import KeptState, RestoreMode, RestoreState
from bonanca.recovery.tests.shop import NOW, Shop
from bonanca.recovery.verdicts import NO

WORKER = SYSTEM("test")


class Run:
    """The steps of a started restore, carried out one by one as the interpreter does."""

    def __init__(self, run_id: Any) -> None:
        self.run, self.receipts, self.epoch = get_run(run_id), {}, 1

    def do(self, *keys: str) -> None:
        for planned in self.run.steps:
            if not keys or planned.key in keys:
                does, ctx = handler(planned.kind), self.context(planned)
                self.receipts[planned.key] = does.check(ctx) or does.apply(ctx)

    def undo(self) -> None:
        token = FenceToken(uuid4(), 1)
        for planned in reversed(self.run.steps):
            if planned.key in self.receipts:
                ctx = self.context(planned, token)
                first = handler(planned.kind).undo(ctx, self.receipts[planned.key])
                assert handler(planned.kind).undo(ctx, self.receipts[planned.key]).keys() == first.keys()

    def context(self, planned: Any, token: FenceToken | None = None) -> StepContext:
        token = token or FenceToken(self.run.id, self.epoch)
        return StepContext(
            run_id=token.run_id,
            step_key=planned.key,
            token=token,
            params=planned.params,
            context={},
            receipts=self.receipts,
            timeout_s=60,
            now=lambda: NOW,
            progress=lambda share, text: None,
            still_mine=lambda: None,
            remaining_s=lambda: 60.0,
        )


def restore(shop: Shop, **asked: Any) -> Run:
    shown = propose_restore(service=shop.slug, actor=WORKER, now=NOW, **asked)
    assert not shown.refused, [found.words for found in shown.verdict]
    started = start_restore(shown.id, actor=WORKER, now=NOW)
    # No engine runs here: the run must not stand in the way of the next one.
    run = Run(started.run_id)
    run.do()
    return run


def refused(shop: Shop, **asked: Any) -> dict[str, str]:
    shown = propose_restore(service=shop.slug, actor=WORKER, now=NOW, **asked)
    with pytest.raises(RestoreRefused):
        start_restore(shown.id, actor=WORKER, now=NOW)
    return {found.key: found.words for found in shown.verdict if found.answer == NO}


def finish(run: Run) -> None:
    from bonanca.durable.models import PlanRun

    PlanRun.objects.filter(pk=run.run.id).update(state="succeeded", finished_at=NOW)


def test_a_backup_comes_back_beside_the_running_database(shop: Shop) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    shop.run("DELETE FROM orders WHERE number > 10")
    run = restore(shop, into=f"{shop.name}_x")
    assert len(shop.numbers(f"{shop.name}_x")) == 60
    assert len(shop.numbers()) == 10
    assert run.receipts["check"]["counts"]["differing"] == {}
    assert folders.everything_temporary() == []
    assert shop.databases() == {shop.name, f"{shop.name}_x"}


def test_a_swap_keeps_what_it_replaced_and_its_undo_brings_it_back(shop: Shop) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    shop.run("DELETE FROM orders WHERE number > 10")
    shop.run("INSERT INTO orders (number, total_cents) VALUES (900, 1)")
    run = restore(shop, mode=RestoreMode.SWAP)
    assert len(shop.numbers()) == 60
    kept = run.receipts["place"]["kept"]
    assert len(shop.numbers(kept)) == 11
    assert [found.name for found in queries.kept_databases(shop.slug)] == [kept]
    run.undo()
    assert shop.numbers() == [*range(1, 11), 900]
    # What the restore had brought is kept in turn, and nothing lies about.
    (undone,) = queries.kept_databases(shop.slug)
    assert len(shop.numbers(undone.name)) == 60
    assert shop.databases() == {shop.name, undone.name}


def test_restoring_twice_to_the_same_target_keeps_the_first(shop: Shop) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    name = f"{shop.name}_x"
    finish(restore(shop, into=name))
    shop.run("DELETE FROM orders WHERE number > 5", name)
    second = restore(shop, into=name)
    assert len(shop.numbers(name)) == 60
    assert len(shop.numbers(second.receipts["place"]["kept"])) == 5
    finish(second)
    third = restore(shop, into=name)
    assert len(shop.numbers(name)) == 60
    third.undo()
    assert len(shop.numbers(name)) == 60


def test_the_undo_of_a_restore_beside_keeps_what_it_made(shop: Shop) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    run = restore(shop, into=f"{shop.name}_x")
    run.undo()
    (kept,) = queries.kept_databases(shop.slug)
    assert kept.database == f"{shop.name}_x"
    assert shop.databases() == {shop.name, kept.name}


def test_an_attempt_that_was_killed_begins_again_and_a_zombie_is_fenced(shop: Shop) -> None:
    from bonanca.actuators.postgres.databases import copy_database
    from bonanca.actuators.postgres.restoring import restore_as_new
    from bonanca.durable.errors import Fenced

    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    shown = propose_restore(service=shop.slug, actor=WORKER, now=NOW, into=f"{shop.name}_x")
    run = Run(start_restore(shown.id, actor=WORKER, now=NOW).run_id)
    load = next(step for step in run.run.steps if step.key == "load")
    stopped = StepContext(**{**vars(run.context(load)), "progress": _dies})
    with pytest.raises(KeyboardInterrupt):
        handler(load.kind).apply(stopped)
    assert folders.everything_temporary() == []
    run.epoch = 2
    run.do()
    assert len(shop.numbers(f"{shop.name}_x")) == 60
    old = FenceToken(run.run.id, 1)
    with pytest.raises(Fenced):
        copy_database(shop.dsn, source=shop.name, target=f"{shop.name}_z", token=old, key="zombie")
    with pytest.raises(Fenced):
        restore_as_new(shop.dsn, archive=Path("x"), target=f"{shop.name}_z", like=shop.name, token=old, key="zombie")


def _dies(share: float | None, text: str) -> None:
    if share and share >= 0.15:
        raise KeyboardInterrupt


def test_rows_that_are_missing_stop_it_before_anything_is_replaced(shop: Shop) -> None:
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    Backup.objects.filter(pk=backup.id).update(row_counts={"public.orders": 61, "public.products": 40})
    shown = propose_restore(service=shop.slug, actor=WORKER, now=NOW, mode=RestoreMode.SWAP)
    run = Run(start_restore(shown.id, actor=WORKER, now=NOW).run_id)
    with pytest.raises(StepFailed, match=r"public\.orders has 60 rows, the backup had 61"):
        run.do()
    assert "place" not in run.receipts
    run.undo()
    assert shop.databases() == {shop.name}


def test_a_damaged_backup_is_named_before_the_server_is_touched(shop: Shop) -> None:
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    for replica in backup.replicas:
        path = Path(replica.place, backup.object_name)
        data = bytearray(path.read_bytes())
        data[-20] ^= 1
        path.write_bytes(data)
    shown = propose_restore(service=shop.slug, actor=WORKER, now=NOW)
    run = Run(start_restore(shown.id, actor=WORKER, now=NOW).run_id)
    with pytest.raises(StepFailed, match="is damaged"):
        run.do()
    assert shop.databases() == {shop.name}
    assert folders.everything_temporary() == []


def test_the_verdict_names_a_wrong_key_and_missing_places(shop: Shop, tmp_path: Path) -> None:
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    create_identity_file(tmp_path / "other.age")
    assert "sealed for other recipients" in refused(shop, identity_file=tmp_path / "other.age")["key"]
    assert "no-such" in refused(shop, identity_file=tmp_path / "no-such.age")["key"]
    first, second = (Path(replica.place, backup.object_name) for replica in backup.replicas)
    first.unlink()
    (ok,) = [f for f in propose_restore(service=shop.slug, actor=WORKER, now=NOW).verdict if f.key == "places"]
    assert str(first.parent.parent) in ok.words
    second.unlink()
    assert "No place has the backup" in refused(shop)["places"]


def test_the_verdict_names_what_the_server_would_refuse(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    assert "service's own database" in refused(shop, into=shop.name)["name"]
    assert "belongs to the server" in refused(shop, into="postgres")["name"]
    with psycopg.connect(at_database(shop.dsn, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {shop.name}_y")
        assert "no restore made it" in refused(shop, into=f"{shop.name}_y")["name"]
    with psycopg.connect(shop.dsn, autocommit=True) as somebody:
        somebody.execute("SELECT pg_create_logical_replication_slot('leitor', 'pgoutput')") if _logical(somebody) else 0
        found = propose_restore(service=shop.slug, actor=WORKER, now=NOW, mode=RestoreMode.SWAP).verdict
        assert any("1 open sessions" in one.words for one in found)
    Backup.objects.filter(pk=backup.id).update(server_version=99)
    assert "an older server cannot take it" in refused(shop)["version"]
    Backup.objects.filter(pk=backup.id).update(server_version=18, database_bytes=10**18)
    assert "disk" in refused(shop)["server_room"]
    Backup.objects.filter(pk=backup.id).update(database_bytes=1, plain_bytes=10**18)
    assert "opening the backup needs" in refused(shop)["room"]


def _logical(connection: psycopg.Connection) -> bool:
    return connection.execute("SHOW wal_level").fetchone() == ("logical",)


def test_a_login_without_rights_is_told_which(shop: Shop) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    role = f"r{uuid4().hex[:8]}"
    with psycopg.connect(at_database(shop.dsn, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    (shop.folder / "dsn").write_text(psycopg.conninfo.make_conninfo(shop.dsn, user=role, password="x"))
    wrong = refused(shop, mode=RestoreMode.SWAP)
    assert "CREATEDB" in wrong["rights"]
    assert "may not rename" in wrong["rights_rename"]


def test_an_owner_without_superuser_restores_too(shop: Shop) -> None:
    role = f"r{uuid4().hex[:8]}"
    with psycopg.connect(at_database(shop.dsn, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN CREATEDB PASSWORD 'x'")
        admin.execute(f"ALTER DATABASE {shop.name} OWNER TO {role}")
        admin.execute(f"GRANT CREATE ON DATABASE postgres TO {role}")
        admin.execute("GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC")
    with psycopg.connect(shop.dsn, autocommit=True) as admin:
        admin.execute(f"ALTER TABLE orders OWNER TO {role}; ALTER TABLE products OWNER TO {role}")
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    with psycopg.connect(at_database(shop.dsn, "postgres"), autocommit=True) as admin:
        admin.execute("DROP TABLE IF EXISTS bonanca_fence, bonanca_effect")
    (shop.folder / "dsn").write_text(psycopg.conninfo.make_conninfo(shop.dsn, user=role, password="x"))
    run = restore(shop, mode=RestoreMode.SWAP)
    assert run.receipts["load"]["owners"] == "login"
    assert len(shop.numbers()) == 60
    with psycopg.connect(at_database(shop.dsn, "postgres"), autocommit=True, user=role, password="x") as own:
        own.execute("DROP TABLE IF EXISTS bonanca_fence, bonanca_effect")


def test_prepared_transactions_would_keep_the_swap_from_happening(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from bonanca.recovery import judging

    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    seen = judging.survey(shop.dsn)
    standing = replace(seen, prepared=("tx-7",), slots=("leitor",))
    monkeypatch.setattr(judging, "survey", lambda dsn: standing)
    wrong = refused(shop, mode=RestoreMode.SWAP)
    assert "tx-7" in wrong["prepared"]
    assert "leitor" in wrong["slots"]


def test_bonancas_own_server_is_refused(shop: Shop, settings: Any) -> None:
    own = settings.DATABASES["default"]
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    address = psycopg.conninfo.make_conninfo(
        host=own["HOST"], port=own["PORT"], user=own["USER"], password=own["PASSWORD"], dbname=shop.name
    )
    (shop.folder / "dsn").write_text(address)
    assert "record of itself" in refused(shop)["server"]


def test_only_a_commander_starts_it_once_and_while_the_preview_is_fresh(shop: Shop) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    shown = propose_restore(service=shop.slug, actor=WORKER, now=NOW)
    responder = Actor("person", "beto", "Beto", Role.RESPONDER, teams=frozenset({"loja"}))
    with pytest.raises(NotAllowed):
        start_restore(shown.id, actor=responder, now=NOW)
    with pytest.raises(PreviewTooOld):
        start_restore(shown.id, actor=WORKER, now=NOW + timedelta(hours=1))
    started = start_restore(shown.id, actor=WORKER, now=NOW)
    assert started.state is RestoreState.STARTED
    with pytest.raises(AlreadyStarted):
        start_restore(shown.id, actor=WORKER, now=NOW)
    other = propose_restore(service=shop.slug, actor=WORKER, now=NOW)
    with pytest.raises(AnotherPlanRuns):
        start_restore(other.id, actor=WORKER, now=NOW)
    actions = [entry.action for entry in history(f"restore:{shown.id}")]
    assert actions == ["restore.proposed", "restore.started"]
    with pytest.raises(BadName):
        propose_restore(service=shop.slug, actor=WORKER, now=NOW, into='x"; DROP')


def test_kept_databases_are_closed_opened_with_a_reason_and_expire(shop: Shop) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    role = f"r{uuid4().hex[:8]}"
    with psycopg.connect(at_database(shop.dsn, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    run = restore(shop, mode=RestoreMode.SWAP)
    finish(run)
    kept = run.receipts["place"]["kept"]
    theirs = psycopg.conninfo.make_conninfo(at_database(shop.dsn, kept), user=role, password="x")
    psycopg.connect(theirs).close()
    assert keep_replaced(now=NOW) == []
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        psycopg.connect(theirs)
    with pytest.raises(ReasonMissing):
        open_kept(service=shop.slug, name=kept, reason=" ", hours=1, actor=WORKER, now=NOW)
    open_kept(service=shop.slug, name=kept, reason="INC-42", hours=1, actor=WORKER, now=NOW)
    psycopg.connect(theirs).close()
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        shop.run("DELETE FROM orders", kept)
    assert keep_replaced(now=NOW + timedelta(minutes=30)) == []
    psycopg.connect(theirs).close()
    keep_replaced(now=NOW + timedelta(hours=2))
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        psycopg.connect(theirs)
    row = Kept.objects.get(name=kept)
    until = keep_longer(service=shop.slug, name=kept, hours=24 * 300, actor=WORKER, now=NOW)
    keep_replaced(now=NOW + timedelta(days=100))
    assert kept in shop.databases()
    keep_replaced(now=until)
    assert kept not in shop.databases()
    assert Kept.objects.get(pk=row.pk).state == KeptState.DROPPED
    actions = [entry.action for entry in history(f"kept:{row.pk}")]
    assert actions == ["kept.noted", "kept.closed", "kept.opened", "kept.closed", "kept.extended", "kept.dropped"]


def test_a_closed_database_that_is_put_back_lets_the_service_in_again(shop: Shop) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    run = restore(shop, mode=RestoreMode.SWAP)
    finish(run)
    keep_replaced(now=NOW)
    run.undo()
    limit, settings = shop.ask(
        f"SELECT datconnlimit, (SELECT count(*) FROM pg_db_role_setting WHERE setdatabase = d.oid)"
        f" FROM pg_database d WHERE datname = '{shop.name}'"
    )[0]
    assert (limit, settings) == (-1, 0)
    shop.run("INSERT INTO orders (number, total_cents) VALUES (901, 1)")
    keep_replaced(now=NOW)
    assert Kept.objects.get(name=run.receipts["place"]["kept"]).state == KeptState.RETURNED
    (undone,) = queries.kept_databases(shop.slug)
    drop_kept(service=shop.slug, name=undone.name, actor=WORKER, now=NOW)
    assert shop.databases() == {shop.name}


def test_a_check_of_the_service_that_does_not_hold_stops_it(shop: Shop) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    shop.declare_backup(checks=(BackupCheck("SELECT count(*) FROM products", equals=7),))
    shown = propose_restore(service=shop.slug, actor=WORKER, now=NOW)
    run = Run(start_restore(shown.id, actor=WORKER, now=NOW).run_id)
    with pytest.raises(StepFailed, match="expected 7, got 40"):
        run.do()


def test_the_preflight_waits_for_a_server_that_does_not_answer_and_for_nothing_else(shop: Shop) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    shown = propose_restore(service=shop.slug, actor=WORKER, now=NOW)
    run = Run(start_restore(shown.id, actor=WORKER, now=NOW).run_id)
    (shop.folder / "dsn").write_text("postgresql://nobody@127.0.0.1:1/loja")
    with pytest.raises(StepFailed) as failed:
        run.do("preflight")
    assert failed.value.retryable
    assert "Nothing was touched" in (failed.value.hint or "")
    (shop.folder / "keys" / "key.age").unlink()
    with pytest.raises(StepFailed) as failed:
        run.do("preflight")
    assert not failed.value.retryable
