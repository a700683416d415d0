"""One command in a container of the image of a service: a migration, a task. Once for a key, whoever is killed."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.utils.translation import gettext as _

from bonanca.actuators.docker.container import ONCE, ROOT, SERVICE, once
from bonanca.actuators.docker.engine import Docker, Image
from bonanca.actuators.docker.spec import DockerSpec
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import StepStopped

_EVERY_S = 0.1
_LINES = 40


class CommandFailed(Exception):
    """The command ended with another exit code than 0, or not in time; the message carries its last words."""


def ran(docker: Docker, spec: DockerSpec, key: str) -> str | None:
    """What the command wrote last, when it ran to its good end under this key; else None."""
    for found in docker.containers({SERVICE: spec.service, ROOT: str(spec.root), ONCE: key}):
        if found.status == "exited" and found.exit_code == 0:
            return docker.logs(found.name, lines=_LINES)
    return None


def run_once(
    docker: Docker,
    spec: DockerSpec,
    argv: list[str],
    image: Image,
    *,
    key: str,
    remaining_s: Callable[[], float],
    pulse: Callable[[], None],
) -> str:
    """Run the command and return what it wrote last.

    The daemon runs it, not the worker: one that is killed leaves it running, and its successor waits for the same
    container. Containers of earlier commands of the service are removed when a new one begins.

    Raises:
        CommandFailed: it ended badly, or not in time (it is then stopped).
        BadSpec, EngineAway, EngineRefused: it could not be run.
    """
    wanted = once(spec, argv, image, key)
    found = docker.container(wanted.name)
    if found is not None and found.status in ("exited", "dead") and found.exit_code != 0:
        docker.remove(wanted.name)  # it failed, and somebody asks again
        found = None
    if found is None:
        _clear(docker, spec, wanted.name)
        docker.create(wanted.name, wanted.config)
        point("docker.once_created")
        found = docker.container(wanted.name)
    if found is not None and found.status == "created":
        docker.start(wanted.name)
        point("docker.once_started")
    return _outcome(docker, wanted.name, argv, remaining_s, pulse)


def _outcome(
    docker: Docker, name: str, argv: list[str], remaining_s: Callable[[], float], pulse: Callable[[], None]
) -> str:
    while True:
        found = docker.container(name)
        if found is None:
            raise CommandFailed(_("The container %(name)s was removed while it ran.") % {"name": name})
        if found.status in ("exited", "dead"):
            said = docker.logs(name, lines=_LINES)
            if found.exit_code == 0:
                return said
            raise CommandFailed(
                _("“%(command)s” ended with exit code %(code)d:\n%(tail)s")
                % {"command": " ".join(argv), "code": found.exit_code, "tail": said.rstrip()}
            )
        if remaining_s() <= 0:
            docker.stop(name, timeout_s=5.0)
            raise CommandFailed(_("“%(command)s” did not end in time.") % {"command": " ".join(argv)})
        try:
            pulse()
        except StepStopped:
            docker.stop(name, timeout_s=5.0)  # cancelled: nobody else waits for it
            raise
        time.sleep(_EVERY_S)


def end_orphans(docker: Docker, spec: DockerSpec, *, but: str = "") -> None:
    """Stop commands that run on and that nobody waits for: who asks holds the fence, as who waits for one does.

    Their worker was killed, and no other came back to them because the plan was cancelled.
    """
    for one in docker.containers({SERVICE: spec.service, ROOT: str(spec.root)}):
        if ONCE in one.labels and one.name != but and one.running:
            docker.stop(one.name, timeout_s=5.0)


def _clear(docker: Docker, spec: DockerSpec, but: str) -> None:
    end_orphans(docker, spec, but=but)
    for one in docker.containers({SERVICE: spec.service, ROOT: str(spec.root)}):
        if ONCE in one.labels and one.name != but and not one.running:
            docker.remove(one.name)
