"""Services that run in containers of a Docker daemon."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from bonanca.actuators.docker.engine import Engine, EngineAway
from bonanca.actuators.docker.images import ImageNotFound, fill, find_image, known_image, parts_of
from bonanca.actuators.docker.record import RUNNING
from bonanca.actuators.docker.spec import DIGEST, DockerSpec, Healthcheck
from bonanca.actuators.docker.supervise import ReplicaStatus, ensure_running, status
from bonanca.actuators.git.releases import current_release
from bonanca.actuators.process.spec import Health, Replica
from bonanca.catalog.spec import ContainerCheck, DockerRunSpec, ServiceView
from bonanca.durable.plan import StepSpec
from bonanca.running.processes import restart_policy
from bonanca.running.state import ReplicaState
from bonanca.running.views import SeenReplica

# An image may have to be fetched before a commit can be the current release.
_FETCH_S = 1800.0


class DockerRunner:
    """`run.docker`, one container a replica."""

    def runs(self, service: ServiceView) -> bool:
        return service.run is not None and service.run.docker is not None and service.root is not None

    def restart(self, service: ServiceView, title: str, *, key: str, retry_for_s: float | None) -> StepSpec:
        spec = docker_spec(service)
        timeout_s = 60 + (spec.patience_s + spec.stop_timeout_s + 5) * len(spec.replicas)
        return StepSpec(key, "docker.restart", spec.to_json(), title, timeout_s=timeout_s, retry_for_s=retry_for_s)

    def stop(self, service: ServiceView, title: str, *, drain_s: float) -> StepSpec:
        spec = docker_spec(service).but(stop_timeout_s=drain_s)
        return StepSpec("stop", "docker.stop", spec.to_json(), title, timeout_s=60 + drain_s * len(spec.replicas))

    def release(self, service: ServiceView, sha: str, title: str, *, back: bool) -> StepSpec:
        declared = _declared(service)
        # running_sha() has refused others.
        assert service.repository is not None
        assert service.root is not None
        params = {
            "repository": service.repository.path,
            "sha": sha,
            "root": str(service.root),
            "image": image_of(service, sha, back=back),
            "endpoint": declared.endpoint,
            "registry_login": str(declared.registry_login) if declared.registry_login else None,
        }
        return StepSpec("code", "docker.release", params, title, timeout_s=_FETCH_S)

    def task(self, service: ServiceView, sha: str, argv: tuple[str, ...], title: str, *, key: str) -> StepSpec:
        spec = docker_spec(service)
        port = str(spec.listens(spec.replicas[0]))
        params = spec.to_json() | {"argv": [word.replace("{port}", port) for word in argv]}
        return StepSpec(key, "docker.run", params, title, timeout_s=600)

    def observe(self, service: ServiceView) -> tuple[SeenReplica, ...]:
        spec = docker_spec(service)
        declared = {spec.name(replica) for replica in spec.replicas}
        return tuple(_seen(one) for one in status(spec.root) if one.record.name in declared)

    def keep(self, service: ServiceView, *, now: datetime) -> None:
        spec = docker_spec(service)
        if spec.root.is_dir():
            # A daemon that is away can start nothing; observe() tells of it, replica by replica.
            with suppress(EngineAway):
                ensure_running(spec.root, now=now, policy=restart_policy(service))


def image_of(service: ServiceView, sha: str, *, back: bool) -> str:
    """The image of a commit, by its digest. Forward it is what the declared name means now; back, what ran.

    Where the one is not to be had, the other is taken: a tag may be gone from a registry, an image from this host.

    Raises:
        ImageNotFound: neither is there.
        EngineAway, EngineRefused: the daemon could not be asked.
    """
    declared = _declared(service)
    assert service.root is not None
    docker, known = Engine(declared.endpoint), known_image(service.root, sha)
    ran = known.image if known is not None else ""
    # One with a registry's name before its digest can be fetched again.
    had = bool(ran) and ("@" in ran or docker.image(ran) is not None)
    if back and had:
        return ran
    try:
        return find_image(docker, declared.image, sha, login=declared.registry_login)
    except ImageNotFound:
        if had:
            return ran
        raise


def run_commands(service: ServiceView) -> tuple[tuple[str, ...], ...]:
    """What a person types, as words, to run each replica where there is no Bonança: the image that runs now."""
    spec, found = docker_spec(service), []
    release = current_release(spec.root)
    image = _to_be_fetched(service, release or "")
    daemon = () if spec.endpoint == DockerRunSpec.endpoint else ("-H", spec.endpoint)
    for replica in spec.replicas:
        port = spec.listens(replica)
        published = () if spec.network == "host" else ("-p", f"{replica.host}:{replica.port}:{port}")
        found.append(
            (
                *("docker", *daemon, "run", "-d", "--name", spec.name(replica), "--network", spec.network, *published),
                *("-e", f"PORT={port}"),
                *(("--env-file", str(spec.env_file)) if spec.env_file else ()),
                *(word for name in spec.env for word in ("-e", name)),
                *(word for volume in spec.volumes for word in ("-v", volume)),
                image,
                *(word.replace("{port}", str(port)) for word in spec.command),
            )
        )
    return tuple(found)


def _to_be_fetched(service: ServiceView, release: str) -> str:
    """The image of a release (folder name) by a name that other machines can fetch it by, as long as there is one."""
    assert service.root is not None
    declared = _declared(service).image
    known = known_image(service.root, release) if release else None
    ran = known.image if known is not None else ""
    name, tag = parts_of(declared)
    # A release's name has not all digits of its commit.
    if "@" in ran or not release or not tag or "{commit}" in tag:
        return ran or declared
    return f"{name}:{fill(tag, release)}"  # its id is known on this host alone


def docker_spec(service: ServiceView) -> DockerSpec:
    """Return how a service with `run.docker` and a root runs, for the actuator; its image is the current release's."""
    declared = _declared(service)
    assert service.run is not None
    assert service.root is not None
    health, check = service.run.health, declared.healthcheck
    return DockerSpec(
        service=service.slug,
        root=service.root,
        image=declared.image if DIGEST.fullmatch(declared.image) else "",
        replicas=tuple(Replica(r.port, r.host) for r in service.run.replicas),
        endpoint=declared.endpoint,
        command=declared.command,
        env=dict(service.run.env),
        env_file=declared.env_file,
        network=declared.network,
        port=declared.port,
        volumes=declared.volumes,
        healthcheck=_check(check) if check else None,
        health=Health(health.path, health.timeout_s) if health else None,
        stop_timeout_s=declared.stop_timeout_s,
        registry_login=declared.registry_login,
    )


def _declared(service: ServiceView) -> DockerRunSpec:
    assert service.run is not None
    assert service.run.docker is not None
    return service.run.docker


def _check(declared: ContainerCheck) -> Healthcheck:
    return Healthcheck(declared.command, declared.every_s, declared.timeout_s, declared.failures, declared.start_s)


def _seen(seen: ReplicaStatus) -> SeenReplica:
    record = seen.record
    at = record.restarted[-1] if record.restarted else None
    return SeenReplica(
        name=record.name,
        port=record.port,
        state=_state(seen),
        release=(record.commit[:12] or record.image.rpartition("sha256:")[2][:12]) if record.wanted == RUNNING else "",
        restarts=record.restarts,
        restarted_at=datetime.fromtimestamp(at, UTC) if at is not None else None,
        error=seen.error,
    )


def _state(seen: ReplicaStatus) -> ReplicaState:
    record = seen.record
    if record.wanted != RUNNING:
        return ReplicaState.STOPPED
    if record.gave_up_at is not None:
        return ReplicaState.GIVEN_UP
    return ReplicaState.RUNNING if seen.running and not record.failures else ReplicaState.FAILING
