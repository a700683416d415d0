"""Step kinds over containers: `docker.restart`, `docker.stop`, `docker.run` and `docker.release`.

The parameters are a `DockerSpec.to_json()`. Images are named by their digest, once, in `docker.release`: a plan means
the same image whenever it is carried out; what comes after it runs the image of the current release.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from bonanca.actuators.docker.engine import Docker, Engine, EngineAway, EngineRefused
from bonanca.actuators.docker.images import ImageNotFound, ensure, known_image, remember
from bonanca.actuators.docker.once import CommandFailed, ran, run_once
from bonanca.actuators.docker.record import Record, ran_before, read_record
from bonanca.actuators.docker.replicas import NotStarted, fence_name, stop
from bonanca.actuators.docker.rolling import facts, restart_all, restarted, stop_all, stopped
from bonanca.actuators.docker.spec import BadSpec, DockerSpec
from bonanca.actuators.git.releases import current_release
from bonanca.actuators.git.steps import GitRelease
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import NotUndoable, StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.half_done import half_done
from bonanca.durable.registry import step


@step("docker.restart")
class DockerRestart:
    """Bring the replicas one after the other to the image and settings of the parameters, each healthy before the next.

    What ran is stopped and kept, so that the undo starts the very same container again.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        spec, docker = _spec(ctx)
        with _failing(spec.service):
            records = restarted(docker, spec, ctx.key) or _half_done(ctx, spec)
        return None if records is None else _receipt(spec, records)

    def apply(self, ctx: StepContext) -> Receipt:
        spec, docker = _spec(ctx)
        with _acting(ctx, spec):
            records = restart_all(
                docker, _current(spec), key=ctx.key, now=ctx.now(), progress=ctx.progress, pulse=ctx.still_mine
            )
        return _receipt(spec, records)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        """Each replica runs again what it ran before; one that did not run is stopped."""
        return _back(ctx, receipt, stopping=True)


@step("docker.stop")
class DockerStop:
    """Stop every replica, and keep supervision from starting it again. Its undo starts again what ran."""

    def check(self, ctx: StepContext) -> Receipt | None:
        spec, docker = _spec(ctx)
        with _failing(spec.service):
            records = stopped(docker, spec, ctx.key) or _half_done(ctx, spec)
        return None if records is None else _receipt(spec, records)

    def apply(self, ctx: StepContext) -> Receipt:
        spec, docker = _spec(ctx)
        with _acting(ctx, spec):
            records = stop_all(docker, spec, key=ctx.key, progress=ctx.progress, pulse=ctx.still_mine)
        return _receipt(spec, records)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return _back(ctx, receipt, stopping=False)


@step("docker.run")
class DockerRun:
    """Run `argv` once in a container of the image, with the service's environment, volumes and network.

    A worker that dies in it leaves the container running; its successor waits for that one and runs none of its own.
    """

    undoable = False

    def check(self, ctx: StepContext) -> Receipt | None:
        spec, docker = _spec(ctx)
        with _failing(spec.service):
            said = ran(docker, spec, ctx.key)
        return None if said is None else {"argv": ctx.params["argv"], "output": said[-2000:]}

    def apply(self, ctx: StepContext) -> Receipt:
        spec, docker = _spec(ctx)
        with _acting(ctx, spec):
            spec = _current(spec)
            image = ensure(docker, spec.image, login=spec.registry_login, pulse=_told(ctx))
            said = run_once(
                docker,
                spec,
                [str(word) for word in ctx.params["argv"]],
                image,
                key=ctx.key,
                remaining_s=ctx.remaining_s,
                pulse=ctx.still_mine,
            )
        return {"argv": ctx.params["argv"], "output": said[-2000:]}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        raise NotUndoable(_("What this command did cannot be taken back."))


@step("docker.release")
class DockerRelease:
    """Have a commit's image on this host and make the commit the current release; nothing is stopped or started.

    Params: those of `git.release`, and `image` (by digest), `endpoint`, optional `registry_login`. The receipt is that
    of `git.release`, with the image and the one that the commit was known as before.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        root = Path(ctx.params["root"])
        known = known_image(root, str(ctx.params["sha"]))
        if known is None or known.key != ctx.key:
            return None
        switched = GitRelease().check(ctx)
        if switched is None:
            if not ctx.asked_by_undo:
                return None
            switched = {"root": str(root), "only_noted": True}
        return switched | {"image": known.image, "image_before": known.before}

    def apply(self, ctx: StepContext) -> Receipt:
        root, sha, image = Path(ctx.params["root"]), str(ctx.params["sha"]), str(ctx.params["image"])
        login = ctx.params.get("registry_login")
        with _failing(str(root)):
            docker = connect(str(ctx.params["endpoint"]))
            ensure(docker, image, login=Path(login) if login else None, pulse=_told(ctx))
        point("docker.image_here")
        with fenced(fence_name(root), ctx.token), _failing(str(root)):
            known = remember(root, sha, image, key=ctx.key)
        point("docker.image_noted")
        return GitRelease().apply(ctx) | {"image": known.image, "image_before": known.before}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        undone = receipt if receipt.get("only_noted") else GitRelease().undo(ctx, receipt)
        root = Path(receipt["root"])
        with fenced(fence_name(root), ctx.token), _failing(str(root)):
            remember(root, str(ctx.params["sha"]), receipt["image_before"], key=f"{ctx.key}:undo")
        return undone


def _back(ctx: StepContext, receipt: Receipt, *, stopping: bool) -> Receipt:
    """Bring each replica of a receipt to what it ran before. One at a time: they may have run different versions."""
    spec, docker = _spec(ctx)
    key, records = f"{ctx.key}:undo", []
    with _acting(ctx, spec):
        for one in receipt["replicas"]:
            replica = next((r for r in spec.replicas if spec.name(r) == one["name"]), None)
            if replica is None:
                continue
            if one["before"] is not None:
                earlier = _earlier(spec, one).but(replicas=(replica,))
                records += restart_all(
                    docker, earlier, key=key, now=ctx.now(), progress=ctx.progress, pulse=ctx.still_mine
                )
            elif stopping:
                ctx.still_mine()
                records.append(stop(docker, spec, replica, key=key))
            elif (record := read_record(spec.root, one["name"])) is not None:
                records.append(record)
    return _receipt(spec, records)


def _earlier(spec: DockerSpec, one: dict[str, Any]) -> DockerSpec:
    """What a replica of a receipt ran before, with its environment."""
    if "spec" in one["before"]:  # receipts of earlier releases hold it themselves
        return DockerSpec.from_json(one["before"]["spec"])
    before = ran_before(spec.root, one["name"], one["key"])
    if before is None:
        raise NotUndoable(
            _("%(name)s: how %(container)s was run is no longer known on this host.")
            % {"name": one["name"], "container": one["before"]["container"]},
            hint=_("Deploy the version that you want to have again."),
        )
    return DockerSpec.from_json(before.spec)


def _half_done(ctx: StepContext, spec: DockerSpec) -> list[Record] | None:
    return half_done(ctx, (read_record(spec.root, spec.name(replica)) for replica in spec.replicas))


@contextmanager
def _acting(ctx: StepContext, spec: DockerSpec) -> Iterator[None]:
    with fenced(fence_name(spec.root), ctx.token), _failing(spec.service):
        yield


@contextmanager
def _failing(what: str) -> Iterator[None]:
    try:
        yield
    except NotStarted as error:
        # What it needs may be away for a moment (its database starts again): how long to try is the step's to say.
        raise StepFailed(str(error), retryable=True) from error
    except EngineAway as error:
        raise StepFailed(error.message, retryable=True, hint=error.hint) from error
    except (ImageNotFound, EngineRefused) as error:
        raise StepFailed(error.message, retryable=False, hint=error.hint) from error
    except (BadSpec, CommandFailed) as error:
        raise StepFailed(str(error), retryable=False) from error
    except OSError as error:
        raise StepFailed(f"{what}: {error}", retryable=True) from error


def _spec(ctx: StepContext) -> tuple[DockerSpec, Docker]:
    try:
        spec = DockerSpec.from_json(ctx.params)
    except BadSpec as error:
        raise StepFailed(str(error), retryable=False) from error
    return spec, connect(spec.endpoint)


def _current(spec: DockerSpec) -> DockerSpec:
    """The spec with the image of the current release, where it names none itself."""
    if spec.image:
        return spec
    release = current_release(spec.root)
    known = known_image(spec.root, release) if release else None
    if release is None or known is None or not known.image:
        raise ImageNotFound(
            _("%(service)s: there is no current release whose image is known.") % {"service": spec.service},
            hint=_("Deploy a version first."),
        )
    return spec.but(image=known.image, commit=release)


def connect(endpoint: str) -> Docker:
    """The daemon behind an endpoint."""
    return Engine(endpoint)


def _told(ctx: StepContext) -> Any:
    def tell(said: str) -> None:
        ctx.still_mine()
        ctx.progress(None, said)

    return tell


def _receipt(spec: DockerSpec, records: list[Record]) -> dict[str, Any]:
    return {"service": spec.service, "root": str(Path(spec.root)), "replicas": facts(records)}
