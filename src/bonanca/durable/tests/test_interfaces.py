"""The same verbs through API, page, panel and command line."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from typer.testing import CliRunner

from bonanca.access.actors import person
from bonanca.access.models import User
from bonanca.durable import cli
from bonanca.durable.models import PlanRun, PlanStep
from bonanca.durable.queries import get_run
from bonanca.durable.state import RunState
from bonanca.durable.tests.world import claim, living_executor, plan, work
from bonanca.kernel.clock import utc_now
from bonanca.ui.panels import render_panel

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed() -> PlanRun:
    run = plan({}, {"refuses": True}, {})
    work(claim(run.id, living_executor()))
    return PlanRun.objects.get(pk=run.id)


def test_api(client: Client, failed: PlanRun, owner: User, member: User, stranger: User) -> None:
    client.force_login(member)
    listed = client.get("/api/v1/plans/?subject=service:loja-api").json()
    assert [one["id"] for one in listed] == [str(failed.pk)]
    one = client.get(f"/api/v1/plans/{failed.pk}").json()
    assert [step["state"] for step in one["steps"]] == ["done", "failed", "pending"]
    assert (one["error"], one["hint"]) == ("never", "Ask Ana.")
    assert client.post(f"/api/v1/plans/{failed.pk}/cancel").status_code == 409
    assert client.post(f"/api/v1/plans/{failed.pk}/retry").json()["state"] == "queued"
    assert client.post(f"/api/v1/plans/{failed.pk}/cancel").json()["state"] == "cancelled"
    assert client.post(f"/api/v1/plans/{failed.pk}/undo").status_code == 403
    client.force_login(owner)
    undo = client.post(f"/api/v1/plans/{failed.pk}/undo").json()
    assert undo["undo_of"] == str(failed.pk)
    client.force_login(stranger)
    assert client.post(f"/api/v1/plans/{undo['id']}/cancel").status_code == 403
    assert Client().get("/api/v1/plans/").status_code == 401


def test_nobody_is_shown_an_environment_or_a_file_and_the_undo_still_has_them(client: Client, owner: User) -> None:
    secret = {"env": {"SECRET": "hush"}, "content": "password = hush", "deep": [{"env": {"SECRET": "hush"}}]}
    run = plan(secret)
    work(claim(run.id, living_executor()))
    step = PlanStep.objects.get(run_id=run.id)
    step.receipt = {"key": step.receipt["key"], "replicas": [{"before": {"spec": {"env": {"SECRET": "hush"}}}}]}
    step.save()
    client.force_login(owner)
    one = client.get(f"/api/v1/plans/{run.id}")
    assert one.json()["steps"][0]["receipt"]["replicas"] == [{"before": {"spec": {"env": {"SECRET": "•••"}}}}]
    listed = client.get("/api/v1/plans/").content.decode()
    undo = client.post(f"/api/v1/plans/{run.id}/undo").json()
    page = client.get(reverse("durable:plan", kwargs={"run_id": run.id})).content.decode()
    said = CliRunner().invoke(cli.app, ["show", str(run.id), "--json"]).stdout
    assert json.loads(said)["steps"][0]["params"] == {
        "env": {"SECRET": "•••"},
        "content": "•••",
        "deep": [{"env": {"SECRET": "•••"}}],
    }
    said += CliRunner().invoke(cli.app, ["list", "--json"]).stdout
    assert "hush" not in one.content.decode() + listed + page + said + json.dumps(undo)
    assert get_run(undo["id"]).steps[0].params == secret


def test_page_and_its_fragments(client: Client, failed: PlanRun, owner: User) -> None:
    client.force_login(owner)
    address = reverse("durable:plan", kwargs={"run_id": failed.pk})
    whole = client.get(address).content.decode()
    assert "step--done" in whole
    assert "Ask Ana." in whole
    for target, opening in (
        ("progress", '<div class="plan"'),
        (f"plan_{failed.pk.hex}", f'<div id="plan_{failed.pk.hex}"'),
    ):
        part = client.get(address, headers={"HX-Request": "true", "HX-Target": target}).content.decode()
        assert opening in part
        assert "<html" not in part
    assert failed.title in client.get(reverse("durable:plans")).content.decode()


def test_page_acts_through_the_same_operations(client: Client, failed: PlanRun, owner: User, stranger: User) -> None:
    client.force_login(stranger)
    retry = reverse("durable:act", kwargs={"run_id": failed.pk, "verb": "retry"})
    assert client.post(retry).status_code == 403
    client.force_login(owner)
    assert client.get(retry).status_code == 405
    assert client.post(retry).status_code == 302
    assert get_run(failed.pk).state is RunState.QUEUED
    assert client.post(retry.replace("retry", "destroy")).status_code == 404


def test_panel_refreshes_itself_until_the_plan_has_ended(rf: RequestFactory, failed: PlanRun, owner: User) -> None:
    request = rf.get("/")
    request.user = owner
    request._actor = person(owner)  # type: ignore[attr-defined]
    running = plan({})
    assert "hx-get" in render_panel("durable:progress", request, run_id=running.id)
    ended = render_panel("durable:progress", request, run_id=str(failed.pk))
    assert "hx-get" not in ended
    assert "step--failed" in ended


def test_commands(failed: PlanRun) -> None:
    run = CliRunner().invoke
    listed = run(cli.app, ["list", "--json"])
    assert json.loads(listed.stdout)[0]["id"] == str(failed.pk)
    assert "never" in run(cli.app, ["show", str(failed.pk)]).stdout
    assert json.loads(run(cli.app, ["retry", str(failed.pk), "--json"]).stdout)["state"] == "queued"
    assert json.loads(run(cli.app, ["cancel", str(failed.pk), "--json"]).stdout)["state"] == "cancelled"
    assert json.loads(run(cli.app, ["undo", str(failed.pk), "--json"]).stdout)["undo_of"] == str(failed.pk)
    assert run(cli.app, ["show", str(failed.pk)[:-1]]).exit_code == 2


def test_steering_through_api_and_page(client: Client, failed: PlanRun, owner: User, member: User) -> None:
    client.force_login(member)
    api = f"/api/v1/plans/{failed.pk}"
    assert client.post(f"{api}/retry").json()["stuck"] is None
    assert client.post(f"{api}/pause").json()["state"] == "paused"
    assert client.post(f"{api}/pause").status_code == 200
    assert client.post(f"{api}/resume").json()["state"] == "queued"
    assert client.post(f"{api}/resume").status_code == 409
    body = {"reason": "gone"}
    assert client.post(f"{api}/steps/s2/skip", body, content_type="application/json").status_code == 403
    client.force_login(owner)
    page = reverse("durable:plan", kwargs={"run_id": failed.pk})
    act = reverse("durable:act", kwargs={"run_id": failed.pk, "verb": "pause"})
    assert client.post(act).status_code == 302
    whole = client.get(f"{page}?skip=s2").content.decode()
    assert 'name="reason"' in whole
    assert act.replace("pause", "resume") in whole
    skip = reverse("durable:skip", kwargs={"run_id": failed.pk})
    assert client.post(skip, {"step": "s2", "reason": ""}).status_code == 422
    assert client.post(skip, {"step": "s2", "reason": "mirror is gone"}).status_code == 302
    assert "mirror is gone" in client.get(page).content.decode()
    assert client.post(f"{api}/steps/s9/skip", body, content_type="application/json").status_code == 404
    undo = client.post(f"{api}/abort").json()
    assert undo["undo_of"] == str(failed.pk)
    assert client.post(f"{api}/abort").json()["id"] == undo["id"]


def test_page_shows_a_stuck_step_with_the_next_move(client: Client, owner: User) -> None:
    client.force_login(owner)
    run = plan({})
    claim(run.id, living_executor())
    began = utc_now() - timedelta(seconds=50)
    PlanStep.objects.filter(run=run.id).update(state="running", attempts=1, started_at=began, expected_s=2.0)
    assert "data-stuck" in client.get(reverse("durable:plan", kwargs={"run_id": run.id})).content.decode()
    said = client.get(f"/api/v1/plans/{run.id}").json()["stuck"]
    assert said["step"] == "s1"
    assert said["next_move"]
    shown = CliRunner().invoke(cli.app, ["show", str(run.id), "--json"])
    assert json.loads(shown.stdout)["stuck"]["step"] == "s1"
    assert "stuck:" in CliRunner().invoke(cli.app, ["show", str(run.id)]).stdout


def test_steering_commands(failed: PlanRun) -> None:
    def run(*words: str) -> dict[str, object]:
        done = CliRunner().invoke(cli.app, [*words, "--json"])
        assert done.exit_code == 0, done.output
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    name = str(failed.pk)
    assert run("skip", name, "s2", "--reason", "gone")["state"] == "queued"
    assert run("pause", name)["state"] == "paused"
    assert run("resume", name)["state"] == "queued"
    assert run("abort", name)["undo_of"] == name
