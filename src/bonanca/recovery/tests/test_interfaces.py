"""The same verbs through page, API, command line and schedule."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.test import Client, RequestFactory
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM, person
from bonanca.access.operations.create_token import create_token
from bonanca.catalog.spec import RepositorySpec
from bonanca.durable.queries import list_runs
from bonanca.kernel.errors import NotFound
from bonanca.recovery.cli.backup import app
from bonanca.recovery.identities import InvalidRecipient
from bonanca.recovery.models import Backup
from bonanca.recovery.operations.begin_backup import begin_backup
from bonanca.recovery.operations.fail_backup import fail_backup
from bonanca.recovery.operations.start_due_backups import due_at, start_due_backups
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.tests.plans import Plan
from bonanca.recovery.tests.shop import NOW

WORKER = SYSTEM("test")
NOBODY = "01920000-0000-7000-8000-000000000000"


def plans(shop) -> list[tuple[str, list[str]]]:
    return [(run.kind, [step.kind for step in run.steps]) for run in list_runs(subject=f"service:{shop.slug}")]


@pytest.fixture
def browser(member) -> Client:
    client = Client()
    client.force_login(member)
    return client


def render(user, text: str, **values) -> str:
    request = RequestFactory().get("/")
    request._actor = person(user)
    return Template("{% load ui %}" + text).render(Context({"request": request, **values}))


def test_the_pages_show_what_was_restored_and_what_failed(shop, browser):
    assert "nunca" in browser.get("/backups/").content.decode()
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    page = browser.get(f"/backups/{shop.slug}/").content.decode()
    for replica in backup.replicas:
        assert replica.place in page
    assert browser.get("/backups/nobody/").status_code == 404


def test_the_page_has_few_queries_whatever_the_number_of_backups(shop, browser, django_assert_max_num_queries):
    for day in range(4):
        view = begin_backup(service=shop.slug, actor=WORKER, now=NOW + timedelta(days=day))
        fail_backup(backup_id=view.id, error="x", actor=WORKER, now=NOW)
    with django_assert_max_num_queries(24):
        browser.get(f"/backups/{shop.slug}/")


def test_the_button_starts_a_plan_that_takes_and_restores(shop, browser):
    assert browser.post(f"/backups/{shop.slug}/take/").status_code == 302
    assert plans(shop) == [("backup", ["recovery.backup", "recovery.verify_backup"])]


def test_a_stranger_may_look_and_not_act(shop, stranger):
    client = Client()
    client.force_login(stranger)
    page = client.get(f"/backups/{shop.slug}/")
    assert page.status_code == 200
    assert b"disabled" in page.content
    assert client.post(f"/backups/{shop.slug}/take/").status_code == 403
    assert plans(shop) == []


def test_panels_show_the_proof_and_the_rows_at_risk(shop, owner, stranger):
    summary = '{% panel "recovery:backup_summary" service=slug %}'
    assert "never restored" in render(owner, summary, slug=shop.slug)
    pin = Plan(shop.slug, change_id="c").do("recovery.pin")
    shop.run("INSERT INTO orders (total_cents) VALUES (4242)")
    at_risk = '{% panel "recovery:rows_at_risk" service=slug pin_id=pin %}'
    assert "4242" in render(owner, at_risk, slug=shop.slug, pin=pin["pin_id"])
    assert render(stranger, at_risk, slug=shop.slug, pin=pin["pin_id"]) == ""


def test_a_service_without_a_backup_has_no_summary(make_shop, owner):
    shop = make_shop(backup=None)
    assert render(owner, '{% panel "recovery:backup_summary" service=slug %}', slug=shop.slug) == ""


def test_the_first_backup_is_due_at_once_and_the_next_after_its_interval(shop):
    assert start_due_backups(now=NOW) == []
    assert start_due_backups(now=NOW) == []
    assert len(plans(shop)) == 1
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    assert due_at(shop.service, NOW) is None  # one is on its way


def test_a_service_that_was_never_deployed_has_nothing_to_back_up(shop, tmp_path):
    waiting = replace(shop.service, repository=RepositorySpec(str(tmp_path / "x.git")), root=tmp_path / "root")
    (tmp_path / "root" / "releases" / "abc").mkdir(parents=True)
    assert due_at(waiting, NOW) is None
    (tmp_path / "root" / "current").symlink_to("releases/abc")
    assert due_at(waiting, NOW) == NOW


def test_intervals_are_counted_from_the_last_attempt(shop):
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    assert due_at(shop.service, NOW) == NOW + timedelta(hours=24)
    Backup.objects.filter(pk=backup.id).update(state="failed")
    assert due_at(shop.service, NOW) == NOW + timedelta(hours=2.4)


def test_a_backup_without_a_recipient_is_refused_with_what_to_do(shop):
    shop.declare_backup(recipients=())
    with pytest.raises(InvalidRecipient, match="keygen"):
        take_backup(service=shop.slug, actor=WORKER, now=NOW)


def test_the_commands_speak_json(shop):
    runner = CliRunner()
    taken = runner.invoke(app, ["take", shop.slug, "--verify", "--json"], catch_exceptions=False)
    facts = json.loads(taken.stdout)
    assert (facts["state"], len(facts["replicas"])) == ("verified", 2)
    listed = json.loads(runner.invoke(app, ["list", shop.slug, "--json"], catch_exceptions=False).stdout)
    assert [one["id"] for one in listed] == [facts["id"]]
    shown = runner.invoke(app, ["show", shop.slug], catch_exceptions=False).stdout
    assert "restored" in shown
    assert str(shop.folder / "a") in shown
    drill = json.loads(runner.invoke(app, ["verify", shop.slug, "--json"], catch_exceptions=False).stdout)
    assert drill["state"] == "passed"


def test_a_mistyped_service_is_an_error(shop):
    with pytest.raises(NotFound):
        CliRunner().invoke(app, ["list", "loja-apo"], catch_exceptions=False)


def test_a_backup_opens_without_bonancas_database(shop, tmp_path):
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    sealed = f"{backup.replicas[0].place}/{backup.object_name}"
    key, out = str(tmp_path / "keys" / "key.age"), tmp_path / "loja.dump"
    command = ["open", sealed, "--identity-file", key, "--out", str(out)]
    CliRunner().invoke(app, command, catch_exceptions=False)
    assert out.read_bytes().startswith(b"PGDMP")
    assert out.stat().st_mode & 0o077 == 0
    with pytest.raises(Exception, match="exists already"):
        CliRunner().invoke(app, command, catch_exceptions=False)


def test_the_api_takes_lists_and_shows(shop, owner):
    token = create_token(name="ci", user_email=owner.email, actor=WORKER, now=datetime.now(UTC))
    api = Client(headers={"Authorization": f"Bearer {token.secret}"})
    asked = api.post("/api/v1/backups", {"service": shop.slug}, content_type="application/json")
    assert asked.status_code == 202
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    listed = api.get(f"/api/v1/backups?service={shop.slug}").json()
    assert [one["id"] for one in listed] == [str(backup.id)]
    assert api.get(f"/api/v1/backups/{backup.id}").json()["rows"] == 100
    assert api.get(f"/api/v1/backups/{NOBODY}").status_code == 404
