"""The steps over containers as a plan uses them: once under a key, killed anywhere, undone in reverse."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from bonanca.actuators.docker.engine import Engine, Image
from bonanca.actuators.docker.spec import DockerSpec, Healthcheck
from bonanca.actuators.docker.steps import DockerRestart, DockerRun, DockerStop
from bonanca.actuators.docker.tests.conftest import COMMITS, versions
from bonanca.actuators.files.held import LedElsewhere
from bonanca.durable import crashpoints
from bonanca.durable.context import FenceToken, StepContext
from bonanca.durable.errors import Fenced, NotUndoable, StepFailed

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    pass


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONANCA_HOME", str(tmp_path / "home"))


def context(
    spec: DockerSpec, *, run_id: UUID | None = None, epoch: int = 1, by: UUID | None = None, **more: Any
) -> StepContext:
    run = run_id or uuid4()
    return StepContext(
        run_id=run,
        step_key="containers",
        token=FenceToken(by or run, epoch),
        params=spec.to_json() | more,
        context={},
        receipts={},
        timeout_s=60.0,
        now=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        progress=lambda *_: None,
        still_mine=lambda: None,
        remaining_s=lambda: 60.0,
    )


def of(spec: DockerSpec, images: dict[str, Image], version: str) -> DockerSpec:
    return replace(spec, image=images[version].id, commit=COMMITS.get(version, ""))


def single(spec: DockerSpec) -> DockerSpec:
    return replace(spec, replicas=spec.replicas[:1])


def ids(dockerd: Engine, spec: DockerSpec) -> set[tuple[str, bool]]:
    return {(one.id, one.running) for one in dockerd.containers({"bonanca.root": str(spec.root)})}


def test_a_restart_is_in_effect_for_its_own_key_and_while_all_are_well(spec: DockerSpec, dockerd: Engine) -> None:
    step, ctx = DockerRestart(), context(spec)
    assert step.check(ctx) is None
    receipt = step.apply(ctx)
    made = ids(dockerd, spec)
    assert versions(spec) == ["v1", "v1"]
    assert step.check(ctx) == receipt == step.apply(ctx)
    assert ids(dockerd, spec) == made
    assert step.check(context(spec)) is None
    assert [one["before"] for one in receipt["replicas"]] == [None, None]
    step.undo(context(spec), receipt)
    assert versions(spec) == ["", ""]


def test_the_undo_brings_the_very_container_back_that_ran_before(
    spec: DockerSpec, dockerd: Engine, images: dict[str, Image]
) -> None:
    step, spec = DockerRestart(), single(spec)
    step.apply(context(spec))
    before = ids(dockerd, spec)
    receipt = step.apply(context(of(spec, images, "v2")))
    assert versions(spec) == ["v2"]
    ctx = context(of(spec, images, "v2"))
    for _again in range(2):
        step.undo(ctx, receipt)
        assert versions(spec) == ["v1"]
    assert before <= ids(dockerd, spec)


def test_the_undo_of_a_stop_starts_what_ran(spec: DockerSpec, images: dict[str, Image]) -> None:
    spec = single(spec)
    DockerRestart().apply(context(of(spec, images, "v2")))
    step, ctx = DockerStop(), context(spec)
    assert step.check(ctx) is None
    receipt = step.apply(ctx)
    assert versions(spec) == [""]
    assert step.check(ctx) == receipt == step.apply(ctx)
    step.undo(context(spec), receipt)
    assert versions(spec) == ["v2"]


def test_no_receipt_holds_an_environment_and_the_undo_brings_it_back_after_later_changes(
    spec: DockerSpec, images: dict[str, Image], dockerd: Engine
) -> None:
    spec = replace(single(spec), env={"SECRET": "hush-1"})
    first = DockerRestart().apply(context(spec))
    second = DockerRestart().apply(ctx := context(replace(of(spec, images, "v2"), env={"SECRET": "hush-2"})))
    found = DockerRestart().check(ctx)
    third = DockerStop().apply(context(spec))
    undone = DockerRestart().undo(context(spec), second)
    assert versions(spec) == ["v1"]
    record = json.loads((spec.root / "containers" / f"{spec.name(spec.replicas[0])}.json").read_bytes())
    assert record["spec"]["env"] == {"SECRET": "hush-1"}
    assert "hush" not in json.dumps([first, second, found, third, undone])
    assert second["replicas"][0]["before"] == {
        "container": first["replicas"][0]["container"],
        "image": images["v1"].id,
        "commit": COMMITS["v1"],
    }
    kept = [place for place in (spec.root / "containers").rglob("*") if place.is_file()]
    assert {place.stat().st_mode & 0o777 for place in kept} == {0o600}


def test_what_ran_before_and_is_not_known_any_more_is_not_guessed(spec: DockerSpec, images: dict[str, Image]) -> None:
    spec = single(spec)
    DockerRestart().apply(context(spec))
    receipt = DockerRestart().apply(context(of(spec, images, "v2")))
    receipt["replicas"][0]["key"] = "another"
    with pytest.raises(NotUndoable, match="no longer known on this host"):
        DockerRestart().undo(context(spec), receipt)
    assert versions(spec) == ["v2"]


@pytest.mark.parametrize(
    ("place", "which", "then"),
    [
        ("docker.intent_recorded", 0, "goes on"),
        ("docker.stopped", 0, "goes on"),
        ("docker.created", 1, "goes on"),
        ("docker.started", 0, "goes on"),
        ("docker.intent_recorded", 0, "is undone"),
        ("docker.created", 0, "is undone"),
        ("docker.started", 1, "is undone"),
    ],
)
def test_a_worker_killed_in_a_change_leaves_all_old_or_all_new(
    spec: DockerSpec,
    images: dict[str, Image],
    monkeypatch: pytest.MonkeyPatch,
    dockerd: Engine,
    place: str,
    which: int,
    then: str,
) -> None:
    spec = replace(spec, replicas=spec.replicas[: which + 1])
    DockerRestart().apply(context(spec))
    old = ids(dockerd, spec)
    new, run, seen = of(spec, images, "v2"), uuid4(), [0]

    def die(name: str) -> None:
        if name == place:
            seen[0] += 1
            if seen[0] > which:
                raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(crashpoints, "hook", die)
        with pytest.raises(Killed):
            DockerRestart().apply(context(new, run_id=run))

    if then == "goes on":
        ctx = context(new, run_id=run, epoch=2)
        receipt = DockerRestart().check(ctx) or DockerRestart().apply(ctx)
        assert set(versions(spec)) == {"v2"}
    else:
        undo = uuid4()
        begun = DockerRestart().check(context(new, run_id=run, by=undo))
        assert begun is not None
        receipt = begun
    DockerRestart().undo(context(new, epoch=3), receipt)
    assert set(versions(spec)) == {"v1"}
    assert old <= ids(dockerd, spec)


@pytest.mark.parametrize("place", ["docker.intent_recorded", "docker.stopped"])
def test_a_stop_killed_at_the_first_replica_is_undone(
    spec: DockerSpec, monkeypatch: pytest.MonkeyPatch, dockerd: Engine, place: str
) -> None:
    DockerRestart().apply(context(spec))
    before, run, undo = ids(dockerd, spec), uuid4(), uuid4()

    def die(name: str) -> None:
        if name == place:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(crashpoints, "hook", die)
        with pytest.raises(Killed):
            DockerStop().apply(context(spec, run_id=run))
    begun = DockerStop().check(context(spec, run_id=run, by=undo))
    assert begun is not None
    assert [one["name"] for one in begun["replicas"]] == [spec.name(spec.replicas[0])]
    DockerStop().undo(context(spec, run_id=undo), begun)
    assert versions(spec) == ["v1", "v1"]
    assert ids(dockerd, spec) == before


def test_a_version_that_does_not_start_stops_at_the_first_replica_and_can_be_undone(
    spec: DockerSpec, images: dict[str, Image]
) -> None:
    DockerRestart().apply(context(spec))
    bad, run = of(spec, images, "broken"), uuid4()
    with pytest.raises(StepFailed, match="this release is broken") as failed:
        DockerRestart().apply(context(bad, run_id=run))
    assert failed.value.retryable  # a deployment does not retry it, a way back does (StepSpec.retry_for_s)
    assert versions(spec) == ["", "v1"]
    undo = uuid4()
    begun = DockerRestart().check(context(bad, run_id=run, by=undo))
    assert begun is not None
    DockerRestart().undo(context(bad, run_id=undo), begun)
    assert versions(spec) == ["v1", "v1"]


def test_the_health_check_inside_the_container_decides_where_nothing_is_asked_from_outside(
    spec: DockerSpec,
) -> None:
    address = f"http://127.0.0.1:{spec.replicas[0].port}"
    one = replace(single(spec), health=None)
    well = Healthcheck(("wget", "-q", "-O", "-", f"{address}/health"), every_s=0.2)
    DockerRestart().apply(context(replace(one, healthcheck=well)))
    ill = Healthcheck(("wget", "-q", "-O", "-", f"{address}/no-such-page"), every_s=0.2, failures=2)
    with pytest.raises(StepFailed, match=r"its health check fails: .*404"):
        DockerRestart().apply(context(replace(one, healthcheck=ill)))


def test_an_outdated_worker_touches_no_container(spec: DockerSpec) -> None:
    run, spec = uuid4(), single(spec)
    DockerRestart().apply(context(spec, run_id=run, epoch=2))
    with pytest.raises(Fenced):
        DockerStop().apply(context(spec, run_id=run, epoch=1))
    assert versions(spec) == ["v1"]


def test_an_image_that_is_gone_fails_before_anything_stops(spec: DockerSpec) -> None:
    spec = single(spec)
    DockerRestart().apply(context(spec))
    lost = replace(spec, image=f"sha256:{'0' * 64}")
    with pytest.raises(StepFailed, match="not on this host any more"):
        DockerRestart().apply(context(lost))
    assert versions(spec) == ["v1"]


def test_a_tag_is_refused_because_it_can_move(spec: DockerSpec) -> None:
    with pytest.raises(StepFailed, match="can move"):
        DockerRestart().apply(context(replace(spec, image="loja/api:v1")))


def test_a_daemon_that_is_away_is_waited_for(spec: DockerSpec, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="Docker does not answer at unix://") as failed:
        DockerRestart().apply(context(replace(spec, endpoint=f"unix://{tmp_path}/none")))
    assert failed.value.retryable


@pytest.mark.parametrize("place", ["docker.once_created", "docker.once_started"])
def test_a_command_runs_once_although_its_worker_is_killed(
    spec: DockerSpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    (tmp_path / "data").mkdir()
    mounted = replace(spec, volumes=(f"{tmp_path}/data:/data",))
    argv, run = ["sh", "-c", "echo migrated >> /data/done; echo done, $GREETING"], uuid4()

    def die(name: str) -> None:
        if name == place:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(crashpoints, "hook", die)
        with pytest.raises(Killed):
            DockerRun().apply(context(mounted, run_id=run, argv=argv))
    ctx = context(mounted, run_id=run, epoch=2, argv=argv)
    receipt = DockerRun().apply(ctx)
    assert "done, olá" in receipt["output"]
    assert DockerRun().check(ctx) == receipt
    assert (tmp_path / "data" / "done").read_text() == "migrated\n"
    with pytest.raises(NotUndoable):
        DockerRun().undo(ctx, receipt)


@pytest.mark.parametrize("then", ["the service is stopped", "another command runs"])
def test_a_command_that_nobody_waits_for_any_more_is_ended(
    spec: DockerSpec, monkeypatch: pytest.MonkeyPatch, dockerd: Engine, then: str
) -> None:
    """Its worker was killed, and its plan cancelled before another worker had it."""
    argv = ["sh", "-c", "trap 'exit 1' TERM; sleep 600 & wait"]

    def die(name: str) -> None:
        if name == "docker.once_started":
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(crashpoints, "hook", die)
        with pytest.raises(Killed):
            DockerRun().apply(context(spec, argv=argv))
    if then == "the service is stopped":
        DockerStop().apply(context(spec))
    else:
        DockerRun().apply(context(spec, argv=["sh", "-c", "true"]))
    assert not any(one.running for one in dockerd.containers({"bonanca.root": str(spec.root)}))


def test_a_command_that_fails_is_told_with_its_words_and_can_be_tried_again(spec: DockerSpec) -> None:
    ctx = context(spec, argv=["sh", "-c", "echo no such column; exit 4"])
    for _again in range(2):
        with pytest.raises(StepFailed, match=r"(?s)exit code 4.*no such column"):
            DockerRun().apply(ctx)
        assert DockerRun().check(ctx) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_record_that_somebody_else_has_put_there_starts_nothing(spec: DockerSpec, images: dict[str, Image]) -> None:
    spec = single(spec)
    DockerRestart().apply(context(spec))
    receipt = DockerRestart().apply(context(of(spec, images, "v2")))
    record = spec.root / "containers" / f"{spec.name(spec.replicas[0])}.json"
    os.chown(record, 54321, 54321)
    with pytest.raises(LedElsewhere):
        DockerRestart().undo(context(spec), receipt)
    assert versions(spec) == ["v2"]
    os.chown(record, 0, 0)
