"""Bring one replica to a version, stop it, and know when it is well. The container that ran before is kept.

Nothing here takes a lock: whoever changes a replica holds `fence_name(spec.root)` in `durable.fence`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.actuators.docker.container import Wanted, labels, wanted
from bonanca.actuators.docker.engine import Container, Docker, EngineRefused, Image
from bonanca.actuators.docker.record import DONE, REPLACING, RUNNING, STARTING, STOPPED, Before, Record
from bonanca.actuators.docker.record import keep_earlier as keep
from bonanca.actuators.docker.record import read_record as find
from bonanca.actuators.docker.record import write_record as write
from bonanca.actuators.docker.spec import DockerSpec
from bonanca.actuators.process.health import answer, port_in_use
from bonanca.actuators.process.spec import Replica
from bonanca.durable.crashpoints import point

_EVERY_S = 0.1


class NotStarted(Exception):
    """A replica could not be started, or did not become healthy; the message carries the end of its log."""


def fence_name(root: Path) -> str:
    """The resource to fence around every start and stop below `root`."""
    return f"containers:{root.resolve()}"


def bring(docker: Docker, spec: DockerSpec, replica: Replica, image: Image, *, key: str, now: datetime) -> Record:
    """Stop what the replica runs and start the container of this spec: once for a key, whatever was cut off.

    A container that ran this very spec before is started again; else one is made. What ran is stopped and kept.

    Raises:
        NotStarted: the port or the name belongs to somebody else, or the daemon cannot start it.
        BadSpec: the environment cannot be read.
        EngineAway, EngineRefused: the daemon failed.
    """
    name, made = spec.name(replica), wanted(spec, replica, image)
    last = find(spec.root, name)
    if last is None or last.key != key or last.container != made.name or last.wanted != RUNNING:
        running = _running(docker, spec, replica)
        if not running and port_in_use(replica):
            words = {"name": name, "port": replica.port}
            raise NotStarted(_("%(name)s: something else has port %(port)d.") % words)
        _make_way(spec.root, last, key)
        last = write(
            spec.root,
            Record(
                name=name,
                service=spec.service,
                port=replica.port,
                wanted=RUNNING,
                phase=REPLACING,
                key=key,
                container=made.name,
                image=spec.image,
                spec=spec.to_json(),
                before=_before(last, running, key),
            ),
        )
        point("docker.intent_recorded")
    if last.phase == REPLACING:
        _stop_running(docker, spec, replica)
        point("docker.stopped")
        last = write(spec.root, last.but(phase=STARTING))
    _start(docker, name, made)
    return write(spec.root, last.but(phase=DONE, started_at=now.timestamp()))


def stop(docker: Docker, spec: DockerSpec, replica: Replica, *, key: str) -> Record:
    """Stop what the replica runs and note that it is meant to be stopped; its container is kept."""
    name = spec.name(replica)
    last = find(spec.root, name) or Record(name=name, service=spec.service, port=replica.port)
    if last.key != key or last.wanted != STOPPED:
        before = _before(last, _running(docker, spec, replica), key)
        _make_way(spec.root, last, key)
        last = last.but(wanted=STOPPED, phase=REPLACING, key=key, before=before, failures=0, gave_up_at=None)
        last = write(spec.root, last)
        point("docker.intent_recorded")
    _stop_running(docker, spec, replica)
    point("docker.stopped")
    return write(spec.root, last.but(phase=DONE))


def until_healthy(docker: Docker, spec: DockerSpec, replica: Replica, *, pulse: Callable[[], None]) -> None:
    """Wait until the replica is well.

    Raises:
        NotStarted: it ended, or was not healthy in time; with the end of its log.
    """
    record = find(spec.root, spec.name(replica))
    assert record is not None  # bring() has just written it
    deadline = time.monotonic() + spec.patience_s
    while True:
        pulse()
        found = docker.container(record.container)
        wrong = trouble(spec, replica, found)
        if not wrong:
            return
        if found is None or not found.running or time.monotonic() >= deadline:
            break
        time.sleep(_EVERY_S)
    write(spec.root, record.but(error=wrong))
    log = docker.logs(record.container).rstrip() if found is not None else ""
    raise NotStarted(
        _("%(name)s is not well: %(wrong)s. The end of the log of %(container)s:\n%(tail)s")
        % {"name": record.name, "wrong": wrong, "container": record.container, "tail": log}
    )


def trouble(spec: DockerSpec, replica: Replica, found: Container | None, *, timeout_s: float = 2.0) -> str:
    """ "" when the container is well, else what is wrong with it, in a few words.

    A declared `health` (asked from outside) decides; without it the container's own health check does, if it has one.
    """
    if found is None:
        return _("its container is gone")
    if not found.running:
        return _("it has ended (%(status)s, exit code %(code)d) %(reason)s") % {
            "status": found.status,
            "code": found.exit_code,
            "reason": found.error,
        }
    if found.health == "unhealthy":
        return _("its health check fails: %(output)s") % {"output": found.health_output}
    if spec.health is not None:
        return answer(replica, spec.health.path, timeout_s=timeout_s)
    return _("its health check has not passed yet") if found.health == "starting" else ""


def clear_kept(docker: Docker, spec: DockerSpec, replica: Replica) -> None:
    """Remove the replica's containers but the one that runs and the one that ran before it."""
    record = find(spec.root, spec.name(replica))
    if record is None:
        return
    kept = {record.container, record.before.container if record.before else ""}
    others = [one for one in docker.containers(labels(spec, replica)) if one.name not in kept and not one.running]
    if record.before is None or record.before.container == record.container:
        # Only restarted, or started after a stop: the one that ran last among the others is still the way back.
        others = sorted(others, key=lambda one: one.finished)[:-1]
    for one in others:
        docker.remove(one.name)


def _start(docker: Docker, name: str, made: Wanted) -> None:
    try:
        found = docker.container(made.name)
        if found is None:
            docker.create(made.name, made.config)
            point("docker.created")
        elif found.labels.get("bonanca.root") != made.config["Labels"]["bonanca.root"]:
            words = {"name": name, "container": made.name}
            raise NotStarted(_("%(name)s: the container %(container)s is not Bonança's.") % words)
        docker.start(made.name)
        point("docker.started")
    except EngineRefused as error:
        raise NotStarted(f"{name}: {error.message}") from error


def _running(docker: Docker, spec: DockerSpec, replica: Replica) -> list[Container]:
    return [
        one for one in docker.containers(labels(spec, replica)) if one.status in ("running", "restarting", "paused")
    ]


def _stop_running(docker: Docker, spec: DockerSpec, replica: Replica) -> None:
    for one in _running(docker, spec, replica):
        docker.stop(one.name, timeout_s=spec.stop_timeout_s)


def _make_way(root: Path, last: Record | None, key: str) -> None:
    if last is not None and last.key != key:
        keep(root, last)


def _before(last: Record | None, running: list[Container], key: str) -> Before | None:
    """What ran before the step: decided once, at the key's first call."""
    if last is None:
        return None
    if last.key == key:
        return last.before
    if not any(one.name == last.container for one in running):
        return None
    return Before(last.container, last.spec)
