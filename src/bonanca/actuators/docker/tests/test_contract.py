"""What a daemon does for the actuator, asked of a real one and of the stand-in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bonanca.actuators.docker.engine import REVISION, Docker, Engine, EngineRefused, Image
from bonanca.actuators.docker.fake import FakeDocker
from bonanca.actuators.docker.images import ImageNotFound, ensure, find_image
from bonanca.actuators.docker.record import read_record
from bonanca.actuators.docker.replicas import NotStarted, bring, clear_kept, stop, until_healthy
from bonanca.actuators.docker.spec import DockerSpec
from bonanca.actuators.docker.tests.conftest import COMMITS

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Cast:
    """A daemon with two versions of a service."""

    def __init__(self, docker: Docker, images: dict[str, Image], spec: DockerSpec) -> None:
        self.docker, self.images, self.spec = docker, images, spec
        self.replica = spec.replicas[0]
        self.name = spec.name(self.replica)

    def bring(self, version: str, key: str) -> str:
        """Bring the replica to a version; the name of its container."""
        spec = replace(self.spec, image=self.images[version].id)
        return bring(self.docker, spec, self.replica, self.images[version], key=key, now=NOW).container

    def running(self) -> list[str]:
        found = self.docker.containers({"bonanca.replica": self.name, "bonanca.root": str(self.spec.root)})
        return [one.name for one in found if one.running]


@pytest.fixture(params=["dockerd", "fake"])
def cast(request: pytest.FixtureRequest, tmp_path: Path) -> Cast:
    if request.param == "dockerd":
        return Cast(
            request.getfixturevalue("dockerd"), request.getfixturevalue("images"), request.getfixturevalue("spec")
        )
    docker = FakeDocker()
    images = {name: docker.add_image(f"loja/api:{name}", {REVISION: COMMITS.get(name, "")}) for name in ("v1", "v2")}
    images["broken"] = docker.add_image("loja/api:broken")
    docker.broken.add(images["broken"].id)
    from bonanca.actuators.process.spec import Replica

    return Cast(docker, images, DockerSpec("loja-api", tmp_path, images["v1"].id, (Replica(1),)))


def test_a_replica_runs_its_image_and_is_found_by_its_labels(cast: Cast) -> None:
    name = cast.bring("v1", "one")
    assert cast.running() == [name]
    found = cast.docker.container(name)
    assert found is not None
    assert found.image == cast.images["v1"].id


def test_a_key_starts_a_container_once_and_another_key_starts_it_again(cast: Cast) -> None:
    name = cast.bring("v1", "one")
    first = cast.docker.container(name)
    assert cast.bring("v1", "one") == name
    assert cast.docker.container(name) == first
    assert cast.bring("v1", "two") == name
    assert cast.running() == [name]


def test_what_ran_before_is_kept_and_comes_back_as_the_same_container(cast: Cast) -> None:
    old = cast.bring("v1", "one")
    first = cast.docker.container(old)
    new = cast.bring("v2", "two")
    assert cast.running() == [new]
    kept = cast.docker.container(old)
    assert first is not None
    assert kept is not None
    assert (kept.id, kept.running) == (first.id, False)
    assert cast.bring("v1", "three") == old
    back = cast.docker.container(old)
    assert back is not None
    assert back.id == first.id
    assert cast.running() == [old]


def test_one_version_back_is_kept_and_older_ones_go(cast: Cast) -> None:
    old = cast.bring("v1", "one")
    middle = cast.bring("v2", "two")
    cast.spec = replace(cast.spec, env={"GREETING": "oi"})
    cast.bring("v2", "three")
    clear_kept(cast.docker, cast.spec, cast.replica)
    assert cast.docker.container(old) is None
    assert cast.docker.container(middle) is not None


def test_a_restart_in_between_does_not_lose_the_way_back(cast: Cast) -> None:
    old = cast.bring("v1", "one")
    cast.bring("v2", "two")
    cast.bring("v2", "a restart")
    clear_kept(cast.docker, cast.spec, cast.replica)
    assert cast.docker.container(old) is not None


def test_a_stopped_replica_keeps_its_container_and_knows_what_it_ran(cast: Cast) -> None:
    name = cast.bring("v1", "one")
    for _again in range(2):
        record = stop(cast.docker, cast.spec, cast.replica, key="two")
        assert record.before is not None
        assert record.before.container == name
    assert cast.running() == []
    assert cast.docker.container(name) is not None


def test_stopping_what_never_ran_is_no_error(cast: Cast) -> None:
    assert stop(cast.docker, cast.spec, cast.replica, key="one").before is None


def test_one_that_ends_at_once_is_told_with_its_exit_code(cast: Cast) -> None:
    cast.bring("broken", "one")
    with pytest.raises(NotStarted, match=r"it has ended \(exited, exit code [13]\)"):
        until_healthy(cast.docker, cast.spec, cast.replica, pulse=lambda: None)
    record = read_record(cast.spec.root, cast.name)
    assert record is not None
    assert "it has ended" in record.error


def test_the_image_of_a_commit_is_found_by_its_tag_and_by_its_label(cast: Cast) -> None:
    made = cast.images["v2"].id
    assert find_image(cast.docker, "loja/api", COMMITS["v2"]) == made
    assert find_image(cast.docker, made, "") == made
    short = cast.docker
    if isinstance(short, Engine):
        from tests.support.docker import make_image

        tagged = make_image(short, f"loja/api:sha-{COMMITS['v2'][:7]}", "v2", commit="3" * 40)
    else:
        assert isinstance(short, FakeDocker)
        tagged = short.add_image(f"loja/api:sha-{COMMITS['v2'][:7]}")
    assert find_image(cast.docker, "loja/api:sha-{commit7}", COMMITS["v2"]) == tagged.id


@pytest.mark.parametrize("template", ["loja/api", "127.0.0.1:1/loja/api:{commit12}"])
def test_a_commit_that_was_never_built_is_named(cast: Cast, template: str) -> None:
    with pytest.raises(ImageNotFound, match="9" * 12) as told:
        find_image(cast.docker, template, "9" * 40)
    assert told.value.hint == "Has the build of this commit finished?"


def test_an_image_that_is_gone_is_said_so_before_anything_happens(cast: Cast) -> None:
    with pytest.raises(ImageNotFound, match="not on this host any more"):
        ensure(cast.docker, f"sha256:{'0' * 64}", pulse=lambda _said: None)


def test_a_container_of_an_image_that_is_gone_is_refused(cast: Cast) -> None:
    with pytest.raises(EngineRefused, match="No such image"):
        cast.docker.create("lost", {"Image": f"sha256:{'0' * 64}", "Labels": {}})
