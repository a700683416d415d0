"""Retention keeps what it says, never the last good one less, shows before it removes, and removes only that."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM, Actor, Role
from bonanca.access.operations.create_token import create_token
from bonanca.catalog.spec import RetentionSpec
from bonanca.kernel.audit import history
from bonanca.kernel.errors import NotAllowed
from bonanca.outbox.models import OutboxEvent
from bonanca.recovery import queries, retention
from bonanca.recovery.models import Backup, BackupReplica
from bonanca.recovery.operations.begin_drill import NotRestorable, begin_drill
from bonanca.recovery.operations.prune_backups import (
    NoRetentionDeclared,
    PlanChanged,
    prune_automatically,
    prune_backups,
)
from bonanca.recovery.operations.remove_copies import remove_copies
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.retention import Candidate, decide
from bonanca.recovery.state import BackupState, ReplicaState
from bonanca.recovery.tests.commands import app
from bonanca.recovery.tests.shop import NOW

WORKER = Actor("person", "c@loja", "C", Role.COMMANDER)
ONLY_LAST = RetentionSpec(last=1, daily=0, weekly=0, monthly=0)

# --- the decision ----------------------------------------------------------------------------------------------------

moments = st.integers(0, 800 * 24).map(lambda hours: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours))
candidates = st.lists(
    st.builds(
        Candidate,
        id=st.uuids(),
        taken_at=moments,
        verified=st.booleans(),
        intact=st.booleans(),
        locked_until=st.none() | moments,
        copying=st.booleans(),
    ),
    max_size=40,
    unique_by=lambda c: c.id,
)
numbers = st.integers(0, 6)
policies = st.builds(
    RetentionSpec, last=st.integers(1, 6), daily=numbers, weekly=numbers, monthly=numbers, yearly=numbers
)
AT = datetime(2025, 6, 1, tzinfo=UTC)


def kept(found, policy, needed=None) -> set[UUID]:
    return {d.candidate.id for d in decide(found, policy, now=AT, needed=needed or {}) if d.stays}


def newest(found):
    return max(found, key=lambda c: (c.taken_at, c.id)).id


@given(candidates, policies)
def test_the_last_proven_and_the_last_good_one_never_go(found, policy):
    stays, good = kept(found, policy), [c for c in found if c.intact]
    if good:
        assert newest(good) in stays
    if proven := [c for c in good if c.verified]:
        assert newest(proven) in stays


@given(candidates, policies)
def test_while_none_is_good_all_stay(found, policy):
    if not any(c.intact for c in found):
        assert kept(found, policy) == {c.id for c in found}


@given(candidates, policies, st.data())
def test_what_is_locked_copied_or_needed_stays(found, policy, data):
    needed = {c.id: "a chain" for c in found if data.draw(st.booleans())}
    held = {c.id for c in found if c.copying or (c.locked_until and c.locked_until > AT) or c.id in needed}
    assert held <= kept(found, policy, needed)


@given(candidates, policies)
def test_removing_what_goes_changes_nothing_about_the_rest(found, policy):
    stays = kept(found, policy)
    assert kept([c for c in found if c.id in stays], policy) == stays


@given(candidates, policies, policies)
def test_more_generous_numbers_keep_no_less(found, one, other):
    more = RetentionSpec(
        **{name: max(getattr(one, name), getattr(other, name)) for name in ("last", "daily", "weekly", "monthly")},
        yearly=max(one.yearly, other.yearly),
    )
    assert kept(found, one) <= kept(found, more)


@given(candidates, policies)
def test_each_kind_keeps_as_many_as_it_says_where_there_are_so_many(found, policy):
    decisions = decide(found, policy, now=AT, needed={})
    good = [c for c in found if c.intact]
    for code, form, count in (("daily", "%Y-%m-%d", policy.daily), ("monthly", "%Y-%m", policy.monthly)):
        there = {c.taken_at.strftime(form) for c in good}
        stand = [r.detail for d in decisions for r in d.reasons if r.code == code]
        assert stand == sorted(there, reverse=True)[:count]


@settings(max_examples=20)
@given(candidates, policies)
def test_the_order_in_which_they_are_given_does_not_matter(found, policy):
    assert kept(found, policy) == kept(found[::-1], policy)


# --- on real backups -------------------------------------------------------------------------------------------------


@pytest.fixture
def taken(shop):
    """Four backups, a day between them, oldest first; the second counts as restored for proof."""
    shop.declare_backup(retention=ONLY_LAST)
    found = [take_backup(service=shop.slug, actor=WORKER, now=NOW + timedelta(days=day)) for day in range(4)]
    Backup.objects.filter(pk=found[1].id).update(state=BackupState.VERIFIED, verified_at=NOW + timedelta(days=4))
    return found


LATER = NOW + timedelta(days=5)


def files(shop) -> set[str]:
    return {path.name for name in "ab" for path in (shop.folder / name).rglob("*.bnc")}


def prune(shop, now=LATER):
    plan = queries.retention_plan(shop.slug, now)
    return prune_backups(service=shop.slug, digest=plan.digest, actor=WORKER, now=now)


def test_it_shows_what_goes_and_removes_exactly_that(shop, taken):
    plan = queries.retention_plan(shop.slug, LATER)
    assert [row.stays for row in plan.rows] == [True, False, True, False]
    assert plan.freed == {str(shop.folder / name): taken[0].size_bytes + taken[2].size_bytes for name in "ab"}
    assert "restored for proof" in plan.rows[2].why[0]
    assert len(files(shop)) == 4
    prune(shop)
    assert files(shop) == {Path(taken[n].object_name).name for n in (1, 3)}
    assert queries.get_backup(taken[0].id).state is BackupState.PRUNED
    assert [r.state for r in queries.get_backup(taken[0].id).replicas] == [ReplicaState.REMOVED] * 2
    assert [b.id for b in queries.list_backups(shop.slug)] == [taken[3].id, taken[1].id]
    assert history(f"backup:{taken[0].id}")[-1].action == "backup.pruned"
    assert OutboxEvent.objects.filter(name="recovery.backup.pruned.v1").count() == 2
    with pytest.raises(NotRestorable):
        begin_drill(backup_id=taken[0].id, actor=WORKER, now=LATER)
    assert not queries.retention_plan(shop.slug, LATER).goes


def test_a_plan_that_changed_removes_nothing(shop, taken):
    plan = queries.retention_plan(shop.slug, LATER)
    take_backup(service=shop.slug, actor=WORKER, now=LATER)
    with pytest.raises(PlanChanged):
        prune_backups(service=shop.slug, digest=plan.digest, actor=WORKER, now=LATER)
    assert len(files(shop)) == 5


def test_only_a_commander_may(shop, taken):
    responder = Actor("person", "r@loja", "R", Role.RESPONDER, teams=frozenset({"loja"}))
    with pytest.raises(NotAllowed):
        prune_backups(service=shop.slug, digest="", actor=responder, now=LATER)


def test_without_a_policy_everything_stays(shop):
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    assert queries.retention_plan(shop.slug, LATER).goes == ()
    with pytest.raises(NoRetentionDeclared, match="retention"):
        prune_backups(service=shop.slug, digest="", actor=WORKER, now=LATER)


def test_a_drill_keeps_its_backup_and_so_does_a_lock(shop, taken):
    begin_drill(backup_id=taken[0].id, actor=WORKER, now=LATER)
    until = LATER + timedelta(days=30)
    BackupReplica.objects.filter(backup_id=taken[2].id, position=1).update(locked_until=until)
    plan = queries.retention_plan(shop.slug, LATER)
    assert plan.goes == ()
    assert "locked until" in plan.rows[1].why[0]
    assert "drill" in plan.rows[3].why[0]
    assert [r.backup_id for r in queries.retention_plan(shop.slug, until).goes] == [taken[2].id]


def test_what_another_kind_of_backup_needs_stays(shop, taken, monkeypatch):
    monkeypatch.setattr(retention, "_NEEDS", [])
    retention.needed(lambda service: {taken[0].id: "an increment builds on it"})
    rows = queries.retention_plan(shop.slug, LATER).rows
    assert rows[3].why == ("an increment builds on it",)


def test_a_damaged_one_does_not_push_a_good_one_out(shop, taken):
    BackupReplica.objects.filter(backup_id=taken[3].id).update(state=ReplicaState.DAMAGED)
    stays = [row.backup_id for row in queries.retention_plan(shop.slug, LATER).rows if row.stays]
    assert stays == [taken[2].id, taken[1].id]


def test_a_place_that_does_not_answer_keeps_its_copies_until_it_does(shop, taken):
    away = shop.folder / "away"
    (shop.folder / "b").rename(away)
    (shop.folder / "b").write_text("not a folder")
    prune(shop)
    states = [r.state for r in queries.get_backup(taken[0].id).replicas]
    assert states == [ReplicaState.REMOVED, ReplicaState.REMOVING]
    assert remove_copies(now=LATER) == 0
    (shop.folder / "b").unlink()
    away.rename(shop.folder / "b")
    assert remove_copies(now=LATER + timedelta(hours=1)) == 2
    assert files(shop) == {Path(taken[n].object_name).name for n in (1, 3)}


def test_a_worker_prunes_only_where_that_is_declared(shop, taken):
    assert prune_automatically(now=LATER) == []
    assert len(files(shop)) == 4
    shop.declare_backup(retention=RetentionSpec(1, 0, 0, 0, automatic=True))
    assert prune_automatically(now=LATER) == []
    assert len(files(shop)) == 2


def test_killed_between_the_record_and_the_places_it_goes_on(shop, taken, monkeypatch):
    def killed(**_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("bonanca.recovery.operations.prune_backups.remove_copies", killed)
    with pytest.raises(KeyboardInterrupt):
        prune(shop)
    assert len(files(shop)) == 4
    assert remove_copies(now=LATER) == 4
    assert len(files(shop)) == 2


def test_the_command_shows_first_and_removes_with_yes(shop, taken):
    runner = CliRunner()
    shown = runner.invoke(app, ["prune", shop.slug], catch_exceptions=False)
    assert shown.stdout.count("GOES") == 2
    assert len(files(shop)) == 4
    done = json.loads(runner.invoke(app, ["prune", shop.slug, "--yes", "--json"], catch_exceptions=False).stdout)
    assert [row["stays"] for row in done["rows"]] == [True, False, True, False]
    assert len(files(shop)) == 2


def test_page_and_api_show_and_remove(shop, taken, owner, member):
    client = Client()
    client.force_login(owner)
    page = client.get(f"/backups/{shop.slug}/retention/").content.decode()
    digest = queries.retention_plan(shop.slug, datetime.now(UTC)).digest
    assert digest in page
    token = create_token(name="ci", user_email=owner.email, actor=SYSTEM("test"), now=NOW)
    api = Client(headers={"Authorization": f"Bearer {token.secret}"})
    assert api.get(f"/api/v1/backup-retention?service={shop.slug}").json()["digest"] == digest
    body = {"service": shop.slug, "digest": "another"}
    assert api.post("/api/v1/backup-retention/prune", body, content_type="application/json").status_code == 409
    assert client.post(f"/backups/{shop.slug}/retention/prune/", {"digest": digest}).status_code == 302
    assert Backup.objects.filter(state=BackupState.PRUNED).count() == 2
