"""A release is a commit and the image that it was built into: switched together, and taken back together."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from bonanca.actuators.docker import steps
from bonanca.actuators.docker.engine import Docker
from bonanca.actuators.docker.fake import FakeDocker
from bonanca.actuators.docker.images import known_image
from bonanca.actuators.docker.spec import DockerSpec
from bonanca.actuators.docker.steps import DockerRelease, DockerRestart
from bonanca.actuators.git.releases import current_release
from bonanca.actuators.process.spec import Replica
from bonanca.durable import crashpoints
from bonanca.durable.context import FenceToken, StepContext
from bonanca.durable.errors import StepFailed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    monkeypatch.setenv("BONANCA_HOME", str(tmp_path / "home"))
    fake = FakeDocker()

    def connect(_endpoint: str) -> Docker:
        return fake

    monkeypatch.setattr(steps, "connect", connect)
    return fake


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "loja"
    place.mkdir()
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "v1"]):
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        who = ["-c", "user.name=Ana", "-c", "user.email=ana@loja.example"]
        subprocess.run(["git", *who, *words], cwd=place, env=env, check=True)
    return place


def context(
    params: dict[str, object], run_id: UUID | None = None, epoch: int = 1, by: UUID | None = None
) -> StepContext:
    run = run_id or uuid4()
    return StepContext(
        run_id=run,
        step_key="code",
        token=FenceToken(by or run, epoch),
        params=params,
        context={},
        receipts={},
        timeout_s=60.0,
        now=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        progress=lambda *_: None,
        still_mine=lambda: None,
        remaining_s=lambda: 60.0,
    )


def release(repository: Path, image: str) -> dict[str, object]:
    sha = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    root = repository.parent / "root"
    root.mkdir(exist_ok=True)
    return {
        "repository": str(repository),
        "sha": sha.stdout.strip(),
        "root": str(root),
        "image": image,
        "endpoint": "unix:///run/docker.sock",
    }


@pytest.mark.parametrize("place", ["docker.image_here", "docker.image_noted"])
def test_a_release_cut_off_is_finished_and_taken_back_with_its_image(
    repository: Path, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    built, rebuilt = docker.add_image("loja/api:1"), docker.add_image("loja/api:1")
    first, second = release(repository, built.id), release(repository, rebuilt.id)
    root = Path(str(first["root"]))
    DockerRelease().apply(context(first))

    class Killed(BaseException):
        pass

    def die(name: str) -> None:
        if name == place:
            raise Killed

    run = uuid4()
    with monkeypatch.context() as patch:
        patch.setattr(crashpoints, "hook", die)
        with pytest.raises(Killed):
            DockerRelease().apply(context(second, run))
    ctx = context(second, run, 2)
    assert DockerRelease().check(ctx) is None
    receipt = DockerRelease().apply(ctx)
    assert DockerRelease().check(ctx) == receipt
    assert (receipt["image"], receipt["image_before"]) == (rebuilt.id, built.id)
    DockerRelease().undo(context(second), receipt)
    known = known_image(root, str(first["sha"]))
    assert known is not None
    assert known.image == built.id
    assert current_release(root) == str(first["sha"])[:12]


def test_a_release_cut_off_before_the_switch_leaves_the_commit_its_image_when_it_is_undone(
    repository: Path, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, rebuilt = docker.add_image("loja/api:1"), docker.add_image("loja/api:1")
    first, second = release(repository, ran.id), release(repository, rebuilt.id)
    root, run, undo = Path(str(first["root"])), uuid4(), uuid4()
    DockerRelease().apply(context(first))
    (root / "current").unlink()  # somewhere else since: the switch is still to be made

    def refuse(self: object, ctx: StepContext) -> None:
        raise StepFailed("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(steps.GitRelease, "apply", refuse)
        with pytest.raises(StepFailed):
            DockerRelease().apply(context(second, run))
    begun = DockerRelease().check(context(second, run, by=undo))
    assert begun is not None
    DockerRelease().undo(context(second, undo), begun)
    known = known_image(root, str(first["sha"]))
    assert known is not None
    assert (known.image, current_release(root)) == (ran.id, None)


def test_what_is_restarted_is_the_image_of_the_current_release(repository: Path, docker: FakeDocker) -> None:
    image = docker.add_image("loja/api:1")
    params = release(repository, image.id)
    root = Path(str(params["root"]))
    spec = DockerSpec("loja-api", root, "", (Replica(1),))
    with pytest.raises(StepFailed, match="no current release") as told:
        DockerRestart().apply(context(spec.to_json()))
    assert told.value.hint == "Deploy a version first."
    DockerRelease().apply(context(params))
    receipt = DockerRestart().apply(context(spec.to_json()))
    assert receipt["replicas"][0]["image"] == image.id


def test_an_image_that_cannot_be_had_moves_nothing(repository: Path) -> None:
    params = release(repository, f"ghcr.io/loja/api@sha256:{'0' * 64}")
    with pytest.raises(StepFailed, match="cannot be fetched"):
        DockerRelease().apply(context(params))
    assert current_release(Path(str(params["root"]))) is None


def test_an_image_of_a_registry_is_fetched_by_its_digest(repository: Path, docker: FakeDocker) -> None:
    from bonanca.actuators.docker.engine import Image

    digest = f"ghcr.io/loja/api@sha256:{'7' * 64}"
    docker.registry["ghcr.io/loja/api:1"] = Image(f"sha256:{'8' * 64}", (), (digest,))
    receipt = DockerRelease().apply(context(release(repository, digest)))
    assert receipt["image"] == digest
    assert docker.image(digest) is not None
