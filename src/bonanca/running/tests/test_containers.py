"""A service in containers as steps: images frozen by digest, the one that ran when it goes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import translation

from bonanca.actuators.docker.fake import FakeDocker
from bonanca.actuators.docker.images import ImageNotFound, remember
from bonanca.actuators.docker.record import RUNNING, STOPPED, Record, write_record
from bonanca.actuators.docker.spec import DockerSpec
from bonanca.catalog.spec import DockerRunSpec, HealthSpec, ReplicaSpec, RepositorySpec, RunSpec, ServiceView
from bonanca.kernel.errors import Invalid
from bonanca.running import containers, parts
from bonanca.running.runners import runner_for
from bonanca.running.state import ReplicaState

SHA = "a" * 40
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def docker(monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    fake = FakeDocker()
    monkeypatch.setattr(containers, "Engine", lambda _endpoint: fake)
    return fake


@pytest.fixture
def service(tmp_path: Path) -> ServiceView:
    run = RunSpec(
        (),
        (ReplicaSpec(9101), ReplicaSpec(9102)),
        HealthSpec("/health", 20),
        env={"GREETING": "olá"},
        docker=DockerRunSpec("loja/api:{commit12}", command=("serve", "{port}"), volumes=("/srv/a:/a:ro",)),
    )
    place = RepositorySpec(str(tmp_path / "loja.git"))
    return ServiceView("loja-api", "Loja", "loja", root=tmp_path, repository=place, run=run, migrate=("migrate",))


def test_a_release_freezes_the_digest_of_its_image(service: ServiceView, docker: FakeDocker) -> None:
    image = docker.add_image(f"loja/api:{SHA[:12]}")
    step = parts.release(service, SHA, "Code")
    assert (step.kind, step.params["image"], step.params["sha"]) == ("docker.release", image.id, SHA)


def test_back_is_what_ran_and_forward_what_was_built_last(service: ServiceView, docker: FakeDocker) -> None:
    ran = docker.add_image(f"loja/api:{SHA[:12]}")
    remember(service.root or Path(), SHA, ran.id, key="one")
    rebuilt = docker.add_image(f"loja/api:{SHA[:12]}")
    assert parts.release(service, SHA, "Code", back=True).params["image"] == ran.id
    assert parts.release(service, SHA, "Code").params["image"] == rebuilt.id


def test_an_image_that_ran_is_taken_where_its_tag_is_gone_and_the_other_way_round(
    service: ServiceView, docker: FakeDocker
) -> None:
    root = service.root or Path()
    with pytest.raises(ImageNotFound):
        parts.release(service, SHA, "Code", back=True)
    ran = docker.add_image("loja/api:another-tag")
    remember(root, SHA, ran.id, key="one")
    assert parts.release(service, SHA, "Code").params["image"] == ran.id
    remember(root, SHA, f"sha256:{'0' * 64}", key="two")
    built = docker.add_image(f"loja/api:{SHA[:12]}")
    assert parts.release(service, SHA, "Code", back=True).params["image"] == built.id


def test_restart_stop_and_migration_carry_the_declared_settings(service: ServiceView) -> None:
    restart, stop = parts.restart(service, "Restart", retry_for_s=0), parts.stop(service, "Stop", drain_s=30)
    migrate = parts.migrate(service, SHA, "Migrate")
    assert migrate is not None
    assert [step.kind for step in (restart, stop, migrate)] == ["docker.restart", "docker.stop", "docker.run"]
    spec = DockerSpec.from_json(restart.params)
    assert (spec.image, spec.command, spec.env, spec.patience_s) == ("", ("serve", "{port}"), {"GREETING": "olá"}, 20)
    assert restart.timeout_s > 2 * (20 + spec.stop_timeout_s)
    assert DockerSpec.from_json(stop.params).stop_timeout_s == 30
    assert migrate.params["argv"] == ["migrate"]


def test_how_replicas_are_is_told_in_the_words_of_every_runner(service: ServiceView) -> None:
    runner, root = runner_for(service), service.root
    assert runner is not None
    assert root is not None
    spec = containers.docker_spec(service).to_json() | {"image": f"sha256:{'1' * 64}", "commit": SHA}
    gone = Record("loja-api-9101", "loja-api", 9101, wanted=RUNNING, container="loja-api-9101-x", spec=spec)
    for record in (gone, Record("loja-api-9102", "loja-api", 9102, wanted=STOPPED, spec=spec)):
        write_record(root, record.but(spec=spec | {"endpoint": "unix:///nonexistent/s"}))
    failing, stopped = runner.observe(service)
    assert (failing.state, failing.release) == (ReplicaState.FAILING, SHA[:12])
    assert "/nonexistent/s" in failing.error
    assert (stopped.state, stopped.release) == (ReplicaState.STOPPED, "")
    write_record(root, gone.but(gave_up_at=1.0))
    assert runner.observe(service)[0].state == ReplicaState.GIVEN_UP


def test_without_bonanca_the_same_containers_are_a_command_away(service: ServiceView) -> None:
    first, _second = containers.run_commands(service)
    assert " ".join(first) == (
        "docker run -d --name loja-api-9101 --network host -e PORT=9101 -e GREETING -v /srv/a:/a:ro"
        " loja/api:{commit12} serve 9101"
    )


@pytest.mark.parametrize(
    ("declared", "ran", "typed"),
    [
        ("loja/api:v-{commit7}", "sha256:" + "1" * 64, f"loja/api:v-{SHA[:7]}"),
        ("loja/api:{commit12}", "loja/api@sha256:" + "1" * 64, "loja/api@sha256:" + "1" * 64),
        ("loja/api:{commit}", "sha256:" + "1" * 64, "sha256:" + "1" * 64),
        ("loja/api", "sha256:" + "1" * 64, "sha256:" + "1" * 64),
    ],
)
def test_the_image_is_called_as_other_machines_can_fetch_it(
    service: ServiceView, declared: str, ran: str, typed: str
) -> None:
    root = service.root or Path()
    (root / "releases" / SHA[:12]).mkdir(parents=True)
    (root / "current").symlink_to(f"releases/{SHA[:12]}")
    remember(root, SHA, ran, key="one")
    assert service.run is not None
    elsewhere = replace(service.run, docker=DockerRunSpec(declared, "unix:///elsewhere/s"))
    first, _second = containers.run_commands(replace(service, run=elsewhere))
    assert first[:4] == ("docker", "-H", "unix:///elsewhere/s", "run")
    assert first[-1] == typed


def test_a_service_that_declares_neither_is_not_run(service: ServiceView) -> None:
    with translation.override("en"), pytest.raises(Invalid, match=r"run\.systemd` or `run\.docker"):
        parts.stop(ServiceView("x", "X", "loja", root=service.root), "Stop")
