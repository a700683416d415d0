"""Bring and stop a whole service, replica after replica, once per idempotency key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bonanca.actuators.docker.engine import Docker
from bonanca.actuators.docker.images import ensure
from bonanca.actuators.docker.once import end_orphans
from bonanca.actuators.docker.record import DONE, RUNNING, STOPPED, Before, Record, read_record
from bonanca.actuators.docker.replicas import bring, clear_kept, stop, trouble, until_healthy
from bonanca.actuators.docker.spec import DockerSpec

# (share done between 0 and 1, what happens now)
Progress = Callable[[float | None, str], None]


def restart_all(
    docker: Docker, spec: DockerSpec, *, key: str, now: datetime, progress: Progress, pulse: Callable[[], None]
) -> list[Record]:
    """Bring each replica to the spec in turn, each healthy before the next is touched.

    The image is there before anything stops. A replica that fails ends the roll: those after it go on running what
    they ran, and what it ran before is kept.

    Raises:
        NotStarted: a replica did not start or was not healthy in time.
        ImageNotFound: the image cannot be had; nothing was touched.
        EngineAway, EngineRefused: the daemon failed.
    """

    def fetching(said: str) -> None:
        pulse()
        progress(None, said)

    image = ensure(docker, spec.image, login=spec.registry_login, pulse=fetching)
    for index, replica in enumerate(spec.replicas):
        progress(index / len(spec.replicas), spec.name(replica))
        pulse()
        bring(docker, spec, replica, image, key=key, now=now)
        until_healthy(docker, spec, replica, pulse=pulse)
        clear_kept(docker, spec, replica)
    progress(1.0, "")
    return [_known(spec, index) for index in range(len(spec.replicas))]


def restarted(docker: Docker, spec: DockerSpec, key: str) -> list[Record] | None:
    """The replicas, when this key has brought every one of them and each is well; else None."""
    records = []
    for replica in spec.replicas:
        record = read_record(spec.root, spec.name(replica))
        if record is None or (record.key, record.wanted, record.phase) != (key, RUNNING, DONE):
            return None
        if trouble(spec, replica, docker.container(record.container)):
            return None
        records.append(record)
    return records


def stop_all(
    docker: Docker, spec: DockerSpec, *, key: str, progress: Progress, pulse: Callable[[], None]
) -> list[Record]:
    """Stop each replica in turn and note that it is meant to be stopped, so that supervision lets it be.

    With them ends a command of the service that was left running: what stops a service may be about to change its data.
    """
    end_orphans(docker, spec)
    done = []
    for index, replica in enumerate(spec.replicas):
        progress(index / len(spec.replicas), spec.name(replica))
        pulse()
        done.append(stop(docker, spec, replica, key=key))
    progress(1.0, "")
    return done


def stopped(docker: Docker, spec: DockerSpec, key: str) -> list[Record] | None:
    """The replicas, when this key has stopped every one of them; else None."""
    records = [read_record(spec.root, spec.name(replica)) for replica in spec.replicas]
    known = [record for record in records if record is not None and record.key == key and record.phase == DONE]
    if len(known) < len(records) or any(record.wanted != STOPPED for record in known):
        return None
    found = [docker.container(record.container) for record in known if record.container]
    return None if any(one is not None and one.running for one in found) else known


def facts(records: list[Record]) -> list[dict[str, Any]]:
    """Replicas for a receipt: which container is theirs, of which image, and what ran before (null: it did not run).

    Nothing of an environment. With `key` an undo finds how to run again what ran before (`record.ran_before`).
    """
    return [
        {
            "name": record.name,
            "port": record.port,
            "container": record.container,
            "image": record.image,
            "commit": record.commit,
            "key": record.key,
            "before": None if record.before is None else _named(record.before),
        }
        for record in records
    ]


def _named(before: Before) -> dict[str, Any]:
    image, commit = (str(before.spec.get(part) or "") for part in ("image", "commit"))
    return {"container": before.container, "image": image, "commit": commit}


def _known(spec: DockerSpec, index: int) -> Record:
    record = read_record(spec.root, spec.name(spec.replicas[index]))
    assert record is not None  # bring() has written it
    return record
