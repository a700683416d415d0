"""Read `run.docker`."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from bonanca.actuators.docker.images import names_commit, parts_of
from bonanca.actuators.docker.spec import DIGEST
from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import ContainerCheck, DockerRunSpec, ServiceView

_IMAGE = re.compile(r"[a-z0-9][a-z0-9._:/-]{0,250}(?::[A-Za-z0-9_.{}-]{1,150})?(?:@sha256:[0-9a-f]{64})?")
_ENDPOINT = re.compile(r"unix:///[^\s?#]{1,100}|tcp://(?:127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}")
_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_VOLUME = re.compile(r"(?:/[^:\0]*|[A-Za-z0-9][A-Za-z0-9_.-]*):/[^:\0]*(?::(?:ro|rw))?")
_ELSEWHERE = re.compile(r"\{(python|config|release)\}")


def read_docker(reader: Reader) -> DockerRunSpec:
    """Where the image comes from, and what its containers get."""
    usual = DockerRunSpec("")
    spec = DockerRunSpec(
        image=_image(reader),
        endpoint=reader.pattern("endpoint", _ENDPOINT, _("unix:///path/of/a/socket or tcp://127.0.0.1:port"))
        or usual.endpoint,
        network=reader.pattern("network", _NETWORK, _("host, bridge or the name of a network")) or usual.network,
        port=reader.integer("port", 0, minimum=1, maximum=65535) or None,
        command=_command(reader),
        volumes=_volumes(reader),
        env_file=reader.path("env_file"),
        healthcheck=reader.one("healthcheck", _check),
        registry_login=reader.path("registry_login"),
        stop_timeout_s=reader.number("stop_timeout_s", usual.stop_timeout_s, minimum=1, maximum=3600),
    )
    if spec.network != "host" and spec.port is None:
        reader.wrong(
            reader.node,
            _("%(what)s: port is missing") % {"what": reader.what},
            _("the port on which the program listens inside the container, or network: host"),
        )
    return spec


def docker_fits(reader: Reader, service: ServiceView) -> None:
    """Parts of a service that containers need, and parts that they cannot have."""
    if service.run is None or service.run.docker is None:
        return
    node, what = reader.entries["run"], reader.what
    if service.run.command or service.run.systemd:
        reader.wrong(node, _("%(what)s: run.docker is not the only way to run it") % {"what": what}, _("one of them"))
    if service.root is None:
        reader.wrong(
            node,
            _("%(what)s: run.docker needs root") % {"what": what},
            _("the folder for releases and the records of containers"),
        )
    fixed = DIGEST.fullmatch(service.run.docker.image) is not None
    if fixed and service.repository is not None:
        reader.wrong(
            node,
            _("%(what)s: every commit would run the same image") % {"what": what},
            _("{commit} in the image's tag, or the image's name alone"),
        )
    if not fixed and service.run.docker.image and service.repository is None:
        reader.wrong(
            node,
            _("%(what)s: nothing says which commit's image is meant") % {"what": what},
            _("a repository, or an image by its digest (name@sha256:…)"),
        )
    if service.migrate and any(_ELSEWHERE.search(word) for word in service.migrate):
        reader.wrong(
            reader.entries["migrate"],
            _("%(what)s: migrate runs inside a container, where {python}, {config} and {release} mean nothing")
            % {"what": what},
        )


def _image(reader: Reader) -> str:
    expected = _("a name such as ghcr.io/loja/api:{commit}, or ghcr.io/loja/api with a label for the commit")
    text = reader.pattern("image", _IMAGE, expected, required=True)
    if not text or DIGEST.fullmatch(text):
        return text
    tag = parts_of(text)[1]
    if "@" in text or (tag and not names_commit(tag)):
        # What a tag means can change at any time: going back would bring back something else.
        reader.bad(reader.entries["image"], "image", _("no tag that can move: {commit} in the tag, or a digest alone"))
    return text


def _command(reader: Reader) -> tuple[str, ...]:
    words = reader.words("command")
    if any(_ELSEWHERE.search(word) for word in words):
        reader.bad(reader.entries["command"], "command", _("words and {port}: there is no other placeholder in it"))
    return words


def _volumes(reader: Reader) -> tuple[str, ...]:
    found = []
    for node in reader.items("volumes"):
        text = node.value if isinstance(node.value, str) else ""
        if _VOLUME.fullmatch(text):
            found.append(text)
        else:
            reader.bad(node, "volumes", _("/path/here:/path/in/the/container, with :ro where it only reads"))
    return tuple(found)


def _check(reader: Reader) -> ContainerCheck:
    usual = ContainerCheck(())
    return ContainerCheck(
        command=reader.words("command", required=True),
        every_s=reader.number("every_s", usual.every_s, minimum=0.1, maximum=3600),
        timeout_s=reader.number("timeout_s", usual.timeout_s, minimum=0.1, maximum=3600),
        failures=reader.integer("failures", usual.failures, minimum=1, maximum=100),
        start_s=reader.number("start_s", usual.start_s, maximum=3600),
    )
