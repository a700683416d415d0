"""Two or more places: a slow or broken one blocks nobody, and gets its copy later, or a person is told why not."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM
from bonanca.access.operations.create_token import create_token
from bonanca.kernel.audit import history
from bonanca.kernel.errors import Conflict, NotFound
from bonanca.outbox.models import OutboxEvent
from bonanca.recovery import folders, queries
from bonanca.recovery.models import BackupReplica
from bonanca.recovery.operations import copy_backups as copying
from bonanca.recovery.operations import store_copies
from bonanca.recovery.operations.copy_backups import copy_backups
from bonanca.recovery.operations.record_copy import claim_copy
from bonanca.recovery.operations.retry_copy import retry_copy
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.operations.verify_backup import verify_backup
from bonanca.recovery.places.folder import Folder
from bonanca.recovery.state import BackupState, ReplicaState
from bonanca.recovery.tests.commands import app
from bonanca.recovery.tests.shop import NOW

WORKER = SYSTEM("test")


def take(shop):
    return take_backup(service=shop.slug, actor=WORKER, now=NOW)


def states(backup) -> list[ReplicaState]:
    return [replica.state for replica in queries.get_backup(backup.id).replicas]


@pytest.fixture
def broken(shop):
    """A shop whose second place is in the way when the backup is taken."""
    (shop.folder / "b").write_text("a file where a directory should be")
    return shop


def events(name: str) -> list[dict]:
    return [event.payload for event in OutboxEvent.objects.filter(name=name)]


def test_a_backup_lies_in_a_folder_in_s3_and_behind_ssh_and_comes_back_from_each(shop, s3, sshd):
    places = (s3.place("locked", lock_days=3), sshd.place())
    shop.declare_backup(replicas=(str(shop.folder / "a"), *(p.place for p in places)), places=places)
    backup = take(shop)
    assert states(backup) == [ReplicaState.STORED] * 3
    assert backup.replicas[1].locked_until == NOW + timedelta(days=3)
    Path(backup.replicas[0].place, backup.object_name).unlink()
    drill = verify_backup(backup.id, actor=WORKER, now=NOW)
    assert [found["ok"] for found in drill.evidence["replicas"]] == [False, True, True]
    retry_copy(backup_id=backup.id, place=backup.replicas[0].place, actor=WORKER, now=NOW)
    assert copy_backups(now=NOW) == 1  # through a file of this machine that is gone afterwards
    assert states(backup)[0] is ReplicaState.STORED
    assert list((folders.root() / "copies").iterdir()) == []


def test_a_place_that_was_broken_gets_its_copy_once_it_works(broken):
    backup = take(broken)
    assert backup.state is BackupState.STORED
    assert states(backup) == [ReplicaState.STORED, ReplicaState.FAILED]
    assert copy_backups(now=NOW) == 0  # not before its time
    (broken.folder / "b").unlink()
    assert copy_backups(now=NOW + timedelta(minutes=1)) == 1
    assert states(backup) == [ReplicaState.STORED, ReplicaState.STORED]
    one, other = (Path(replica.place, backup.object_name).read_bytes() for replica in backup.replicas)
    assert one == other
    assert [entry.action for entry in history(f"backup:{backup.id}")][-1] == "copy.stored"


def test_it_is_tried_with_growing_pauses_then_given_up_and_a_person_is_told(broken):
    backup = take(broken)
    pauses, now = [], NOW
    for _attempt in range(4):
        found = queries.get_backup(backup.id).replicas[1]
        pauses.append((found.next_try_at - now).total_seconds())
        now = found.next_try_at
        copy_backups(now=now)
    assert [pause // 30 * 30 for pause in pauses] == [30, 60, 120, 240]  # and the time that trying took
    copy_backups(now=NOW + timedelta(days=4))
    found = queries.get_backup(backup.id).replicas[1]
    assert (found.state, found.next_try_at) == (ReplicaState.GIVEN_UP, None)
    assert str(broken.folder / "b") in found.error
    (told,) = events("recovery.copy.given_up.v1")
    assert told["place"] == found.place
    assert copy_backups(now=NOW + timedelta(days=5)) == 0


@pytest.fixture
def slow(shop, monkeypatch):
    """The second place takes a piece and then nothing more until it is let go."""
    go, real = threading.Event(), Folder.store

    def store(self, parcel, told=lambda done: None):
        if self.place.endswith("/b") and not go.is_set():
            told(1000)
            while not go.wait(0.05):
                told(1000)
        return real(self, parcel, told)

    monkeypatch.setattr(Folder, "store", store)
    monkeypatch.setattr(store_copies, "GRACE_S", 0.3)
    yield go
    go.set()


def test_a_slow_place_holds_up_neither_the_backup_nor_the_others(shop, slow):
    backup = take(shop)
    assert backup.state is BackupState.STORED
    assert states(backup) == [ReplicaState.STORED, ReplicaState.PENDING]
    assert copy_backups(now=NOW, round_s=0.3) == 0
    waiting = queries.places_of(shop.slug).unfinished[0]
    assert waiting.replica.state is ReplicaState.PENDING
    assert waiting.replica.bytes_done == 1000
    assert waiting.percent is not None
    slow.set()
    assert copy_backups(now=NOW + timedelta(minutes=1)) == 1
    assert states(backup) == [ReplicaState.STORED, ReplicaState.STORED]


def test_a_place_that_hangs_for_ever_is_left_alone_and_the_rest_goes_on(shop, monkeypatch):
    go, real = threading.Event(), Folder.store

    def store(self, parcel, told=lambda done: None):
        if self.place.endswith("/b"):
            go.wait()  # not even asked to stop it answers: a dead mount
        return real(self, parcel, told)

    monkeypatch.setattr(Folder, "store", store)
    for module, name, value in (
        (store_copies, "GRACE_S", 0.1),
        (store_copies, "STOP_S", 0.1),
        (copying, "STOP_S", 0.1),
    ):
        monkeypatch.setattr(module, name, value)
    backup = take(shop)
    assert states(backup) == [ReplicaState.STORED, ReplicaState.PENDING]
    assert copy_backups(now=NOW, round_s=0.2) == 0
    assert copy_backups(now=NOW, round_s=5) == 0  # at once: that place still hangs
    go.set()


def test_a_backup_waits_for_as_many_copies_as_are_declared(shop, slow):
    shop.declare_backup(min_copies=2)
    threading.Timer(1.0, slow.set).start()
    assert states(take(shop)) == [ReplicaState.STORED, ReplicaState.STORED]


def test_what_a_killed_worker_was_copying_goes_on(broken):
    backup = take(broken)
    (broken.folder / "b").unlink()
    row = BackupReplica.objects.get(backup_id=backup.id, position=2)
    assert claim_copy(row.id, now=NOW)
    assert not claim_copy(row.id, now=NOW)
    assert copy_backups(now=NOW) == 0  # a living process has it
    BackupReplica.objects.filter(pk=row.id).update(pid=2**22 + 1)
    assert copy_backups(now=NOW) == 1


def test_a_damaged_source_is_known_by_it_and_spreads_nowhere(shop):
    shop.declare_backup(replicas=tuple(str(shop.folder / name) for name in "abc"))
    (shop.folder / "c").write_text("in the way")
    backup = take(shop)
    first = Path(backup.replicas[0].place, backup.object_name)
    first.write_bytes(b"noise" + first.read_bytes()[5:])
    (shop.folder / "c").unlink()
    assert copy_backups(now=NOW + timedelta(hours=1)) == 1
    assert states(backup) == [ReplicaState.DAMAGED, ReplicaState.STORED, ReplicaState.STORED]
    assert [told["place"] for told in events("recovery.copy.damaged.v1")] == [str(shop.folder / "a")]


def test_without_any_intact_source_it_says_so(broken):
    backup = take(broken)
    Path(backup.replicas[0].place, backup.object_name).unlink()
    (broken.folder / "b").unlink()
    copy_backups(now=NOW + timedelta(hours=1))
    found = queries.get_backup(backup.id)
    assert [r.state for r in found.replicas] == [ReplicaState.DAMAGED, ReplicaState.FAILED]
    assert "No other place gives this backup" in found.replicas[1].error


def test_only_what_is_missing_can_be_asked_for_again(shop):
    backup = take(shop)
    with pytest.raises(Conflict):
        retry_copy(backup_id=backup.id, place=backup.replicas[0].place, actor=WORKER, now=NOW)
    with pytest.raises(NotFound):
        retry_copy(backup_id=backup.id, place="/elsewhere", actor=WORKER, now=NOW)


def test_a_place_that_lost_its_options_fails_alone(shop, sshd):
    place = sshd.place("gone")
    shop.declare_backup(replicas=(str(shop.folder / "a"), place.place), places=(place,))
    backup = take(shop)
    shop.declare_backup(replicas=(str(shop.folder / "a"),), places=())
    drill = verify_backup(backup.id, actor=WORKER, now=NOW)
    assert "key_file" in drill.evidence["replicas"][1]["error"]
    found = queries.places_of(shop.slug)
    assert [(p.declared, p.copies) for p in found.places] == [(True, 1), (False, 1)]


def test_the_command_shows_places_and_makes_copies_again(broken):
    backup, runner = take(broken), CliRunner()
    shown = runner.invoke(app, ["copies", broken.slug], catch_exceptions=False)
    assert str(broken.folder / "b") in shown.stdout
    (broken.folder / "b").unlink()
    facts = json.loads(runner.invoke(app, ["copies", broken.slug, "--retry", "--json"], catch_exceptions=False).stdout)
    assert facts["unfinished"] == []
    assert [place["size_bytes"] for place in facts["places"]] == [backup.size_bytes] * 2


def test_page_and_api_show_places_and_retry(broken, member, owner):
    backup = take(broken)
    client = Client()
    client.force_login(member)
    page = client.get(f"/backups/{broken.slug}/places/").content.decode()
    assert str(broken.folder / "b") in page
    asked = client.post(f"/backups/{broken.slug}/{backup.id}/retry/", {"place": backup.replicas[1].place})
    assert asked.status_code == 302
    assert states(backup)[1] is ReplicaState.PENDING
    token = create_token(name="ci", user_email=owner.email, actor=WORKER, now=NOW)
    api = Client(headers={"Authorization": f"Bearer {token.secret}"})
    assert api.get(f"/api/v1/backup-places?service={broken.slug}").json()["places"][0]["copies"] == 1
    body = {"place": backup.replicas[1].place}
    again = api.post(f"/api/v1/backups/{backup.id}/copies/retry", body, content_type="application/json")
    assert again.status_code == 202


def test_options_of_places_survive_the_catalog(shop, s3):
    place = replace(s3.place(), profile="x")
    shop.declare_backup(replicas=(place.place,), places=(place,), min_copies=1)
    from bonanca.catalog.queries import get_service

    policy = get_service(shop.slug).backup
    assert policy.place(place.place) == place
