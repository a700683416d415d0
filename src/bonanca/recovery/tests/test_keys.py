"""Keys are rotated without encrypting the bulk anew, whatever is killed; a lost key is found before a disaster does."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.access.actors import Actor, Role
from bonanca.durable.queries import list_runs
from bonanca.kernel.audit import history
from bonanca.recovery import folders, queries
from bonanca.recovery.envelope import EnvelopeDamaged, WrongIdentity, open_envelope, read_header, rewrap, seal
from bonanca.recovery.identities import create_identity_file, read_identity_file
from bonanca.recovery.models import Backup
from bonanca.recovery.operations import rewrap_backup as module
from bonanca.recovery.operations.check_backup import check_backup
from bonanca.recovery.operations.copy_backups import copy_backups
from bonanca.recovery.operations.rewrap_backup import NothingToRewrap, NotRewrapped, remove_strays, rewrap_backup
from bonanca.recovery.operations.start_rewrap import start_rewrap
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.operations.verify_backup import verify_backup
from bonanca.recovery.state import DrillState, ReplicaState
from bonanca.recovery.tests.commands import app
from bonanca.recovery.tests.shop import NOW
from bonanca.recovery.tests.test_restore import Run

WORKER = Actor("person", "c@loja", "C", Role.COMMANDER)


@pytest.fixture
def old(shop) -> Path:
    return shop.folder / "keys" / "key.age"


@pytest.fixture
def backup(shop):
    return take_backup(service=shop.slug, actor=WORKER, now=NOW)


@pytest.fixture
def rotated(shop, backup, tmp_path):
    """The declaration names a new key; the backup is still sealed to the old one."""
    new = tmp_path / "keys" / "new.age"
    shop.declare_backup(recipients=(create_identity_file(new),), identity_file=new)
    return new


def again(backup, identity: Path):
    return rewrap_backup(backup.id, identity_file=identity, actor=WORKER, now=NOW)


def objects(shop) -> set[str]:
    return {path.name for name in "ab" for path in (shop.folder / name).rglob("*") if path.is_file()}


# --- the envelope ----------------------------------------------------------------------------------------------------


def test_only_the_header_of_an_envelope_is_written_anew_also_a_second_time(tmp_path):
    people = [tmp_path / f"{name}.age" for name in "abc"]
    public = [create_identity_file(path) for path in people]
    private = [read_identity_file(path) for path in people]
    first = BytesIO()
    seal(BytesIO(b"rows" * 700_000), first, recipients=public[:1], label={"service": "loja"})
    second, third = BytesIO(), BytesIO()
    facts = rewrap(BytesIO(first.getvalue()), second, identities=private[0], recipients=public[1:2])
    rewrap(BytesIO(second.getvalue()), third, identities=private[1], recipients=public[2:])
    chunks = [e.getvalue()[read_header(BytesIO(e.getvalue())).first_chunk_at :] for e in (first, second, third)]
    assert chunks[0] == chunks[1] == chunks[2]
    assert facts.size == len(second.getvalue())
    plain = BytesIO()
    header = open_envelope(BytesIO(third.getvalue()), plain, identities=private[2])
    assert plain.getvalue() == b"rows" * 700_000
    assert header.label == {"service": "loja"}
    for envelope, stranger in ((second, private[0]), (third, private[0]), (third, private[1])):
        with pytest.raises(WrongIdentity):
            open_envelope(BytesIO(envelope.getvalue()), BytesIO(), identities=stranger)


def test_a_header_of_another_version_or_with_another_binding_does_not_authenticate(tmp_path):
    public = create_identity_file(tmp_path / "a.age")
    private = read_identity_file(tmp_path / "a.age")
    first, second = BytesIO(), BytesIO()
    seal(BytesIO(b"rows"), first, recipients=[public], label={})
    rewrap(BytesIO(first.getvalue()), second, identities=private, recipients=[public])
    changed = second.getvalue().replace(b'"chunk_aad":"', b'"chunk_aad":"0', 1)
    as_first = bytearray(second.getvalue())
    as_first[9] = 1
    for wrong in (changed, bytes(as_first)):
        with pytest.raises(EnvelopeDamaged):
            open_envelope(BytesIO(wrong), BytesIO(), identities=private)


# --- backups ---------------------------------------------------------------------------------------------------------


def test_after_the_rotation_the_new_key_opens_every_copy_and_the_old_one_none(shop, backup, rotated, old, tmp_path):
    found = again(backup, old)
    assert [replica.state for replica in found.replicas] == [ReplicaState.STORED] * 2
    assert objects(shop) == {Path(found.object_name).name}
    assert found.object_name != backup.object_name
    report = check_backup(found.id, actor=WORKER, now=NOW, identity_file=rotated)
    assert [copy.authenticated for copy in report.copies] == [True, True]
    assert not check_backup(found.id, actor=WORKER, now=NOW, identity_file=old).copies[0].authenticated
    assert verify_backup(found.id, actor=WORKER, now=NOW).state is DrillState.PASSED
    assert history(f"backup:{backup.id}")[2].action == "backup.rewrapped"
    with pytest.raises(NothingToRewrap):
        again(backup, rotated)
    assert list((folders.root() / "copies").iterdir()) == []


def test_the_wrong_old_key_changes_nothing(shop, backup, rotated, tmp_path):
    with pytest.raises(WrongIdentity):
        again(backup, rotated)
    assert queries.get_backup(backup.id).object_name == backup.object_name
    assert remove_strays(now=NOW) == 1
    assert objects(shop) == {Path(backup.object_name).name}


def test_a_place_that_does_not_take_it_gets_its_copy_later(shop, backup, rotated, old):
    away = shop.folder / "away"
    (shop.folder / "b").rename(away)
    (shop.folder / "b").write_text("in the way")
    found = again(backup, old)
    assert [replica.state for replica in found.replicas] == [ReplicaState.STORED, ReplicaState.FAILED]
    (shop.folder / "b").unlink()
    away.rename(shop.folder / "b")
    assert copy_backups(now=NOW, service=shop.slug) == 1
    assert remove_strays(now=NOW) == 1
    assert objects(shop) == {Path(found.object_name).name}


def test_with_no_intact_copy_or_no_place_that_takes_it_nothing_changes(shop, backup, rotated, old):
    for copy in backup.replicas:
        sealed = Path(copy.place, backup.object_name)
        sealed.write_bytes(sealed.read_bytes()[:-1])
    with pytest.raises(NotRewrapped, match="not what was sealed"):
        again(backup, old)
    assert queries.get_backup(backup.id).object_name == backup.object_name


@pytest.mark.parametrize("where", ["_fetch", "rewrap", "_store", "_switch", "remove_strays"])
def test_killed_anywhere_the_backup_is_wholly_old_or_new_and_what_is_left_goes(
    shop, backup, rotated, old, monkeypatch, where
):
    real = getattr(module, where)

    def killed(*args, **kwargs):
        if where in ("_store", "_switch"):
            real(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, where, killed)
        with pytest.raises(KeyboardInterrupt):
            again(backup, old)
    switched = where in ("_switch", "remove_strays")
    found = queries.get_backup(backup.id)
    assert (found.object_name != backup.object_name) is switched
    remove_strays(now=NOW)
    assert objects(shop) == {Path(found.object_name).name}
    assert check_backup(found.id, actor=WORKER, now=NOW, identity_file=rotated if switched else old).ok
    if not switched:
        again(backup, old)
    assert not queries.keys_of(shop.slug).outdated


def test_what_somebody_works_on_is_left_alone(shop, backup, rotated, old):
    name = module._claim(queries.get_backup(backup.id), queries.keys_of(shop.slug).declared, NOW)
    assert remove_strays(now=NOW) == 0
    with pytest.raises(NothingToRewrap):
        again(backup, old)
    Backup.objects.filter(pk=backup.id).update(pid=2**22 + 1)
    assert remove_strays(now=NOW) == 1
    assert name not in objects(shop)


def test_a_lost_key_is_seen_before_it_is_needed(shop, backup, tmp_path):
    assert not queries.keys_of(shop.slug).outdated
    stranger = create_identity_file(tmp_path / "stranger.age")
    shop.declare_backup(recipients=(stranger,))
    found = queries.keys_of(shop.slug)
    assert [one.backup_id for one in found.lost] == [backup.id]
    assert not found.undrilled  # the key that drills use still opens it
    shop.declare_backup(identity_file=tmp_path / "stranger.age")
    assert [one.backup_id for one in queries.keys_of(shop.slug).undrilled] == [backup.id]
    shop.declare_backup(identity_file=tmp_path / "nowhere.age")
    assert "nowhere.age" in queries.keys_of(shop.slug).unread


def test_commands_and_page_show_and_rotate(shop, backup, rotated, old, member):
    runner = CliRunner()
    shown = runner.invoke(app, ["keys", shop.slug])
    assert shown.exit_code == 1
    assert "LOST" in shown.stdout
    client = Client()
    client.force_login(member)
    page = client.get(f"/backups/{shop.slug}/places/").content.decode()
    assert "backup rewrap" in page
    done = runner.invoke(app, ["rewrap", shop.slug, "--identity-file", str(old), "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)[0]["state"] == "stored"
    assert runner.invoke(app, ["keys", shop.slug]).exit_code == 0


def test_a_worker_rotates_with_the_declared_key_and_the_page_says_what_to_run_without_it(shop, old, backup, owner):
    browser = Client()
    browser.force_login(owner)
    with pytest.raises(NothingToRewrap):
        start_rewrap(service=shop.slug, actor=WORKER, now=NOW, key="early")
    new = create_identity_file(shop.folder / "keys" / "new.age")
    shop.declare_backup(recipients=(*shop.service.backup.recipients, new))
    page = browser.get(f"/backups/{shop.slug}/places/").content.decode()
    assert "Reempacotar 1 backup para as chaves declaradas" in page
    assert f"bonanca backup rewrap {shop.slug} --identity-file FILE" in page
    assert browser.post(f"/backups/{shop.slug}/keys/rewrap/").status_code == 302
    (started,) = list_runs(subject=f"service:{shop.slug}", kind="rewrap")
    assert "AGE-SECRET" not in json.dumps([step.params for step in started.steps])
    run = Run(started.id)
    run.do()
    assert run.receipts["rewrap"] == {"rewrapped": [str(backup.id)]}
    run.do()
    assert run.receipts["rewrap"] == {"rewrapped": []}
    assert verify_backup(backup.id, actor=WORKER, now=NOW, identity_file=shop.folder / "keys" / "new.age")
    assert "Reempacotar" not in browser.get(f"/backups/{shop.slug}/places/").content.decode()
