"""The Engine API of a Docker daemon, as far as a service needs it.

Spoken over its own socket with the HTTP client that is here anyway: a client library would bring its own retries,
its own reading of DOCKER_HOST and a second HTTP stack for a dozen requests.
"""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import httpx
from django.utils.translation import gettext as _

from bonanca.kernel.errors import BonancaError, Unavailable

# Understood by every daemon since 20.10; a daemon that has dropped it says what its oldest is, and gets that.
_VERSION = (1, 41)
_ANSWER_S = 30.0
# A daemon that fetches an image tells of it all the time; one that is silent for so long will not end.
_SILENT_S = 300.0
# Where an image lies whose name says nothing of a registry.
_DEFAULT = "docker.io"
REVISION = "org.opencontainers.image.revision"


class EngineAway(Unavailable):
    """The daemon does not answer."""


class EngineRefused(BonancaError):
    """The daemon answered with an error; `status` is its HTTP status."""

    code = "docker_refused"

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Image:
    """An image of this host: its id, the names that it has here and the digests under which registries know it."""

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    created: str = ""


@dataclass(frozen=True)
class Container:
    """A container at this moment. `health` is "" without a health check, else starting, healthy or unhealthy.

    `finished` is when it last ended, as text that sorts (RFC 3339 in UTC).
    """

    id: str
    name: str
    image: str
    labels: Mapping[str, str]
    status: str
    exit_code: int = 0
    error: str = ""
    health: str = ""
    health_output: str = ""
    finished: str = ""

    @property
    def running(self) -> bool:
        return self.status == "running"


class Docker(Protocol):
    """What the actuator asks of a daemon. The real one is `Engine`, one in memory is in `fake`."""

    def image(self, reference: str) -> Image | None: ...
    def images(self, label: str) -> tuple[Image, ...]: ...
    def digest_of(self, reference: str, *, login: str = "") -> str: ...
    def pull(self, reference: str, *, login: str = "", pulse: Callable[[str], None]) -> None: ...
    def container(self, name: str) -> Container | None: ...
    def containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]: ...
    def create(self, name: str, config: Mapping[str, Any]) -> None: ...
    def start(self, name: str) -> None: ...
    def stop(self, name: str, *, timeout_s: float) -> None: ...
    def remove(self, name: str) -> None: ...
    def logs(self, name: str, *, lines: int = 20) -> str: ...


class Engine:
    """A daemon behind `endpoint`: unix:///path/of/socket, or tcp://127.0.0.1:port.

    An answer that takes longer than `patience_s` seconds is none.
    """

    def __init__(self, endpoint: str, *, patience_s: float = _ANSWER_S) -> None:
        self.endpoint = endpoint
        self._patience_s = patience_s
        self._version = ""

    def version(self) -> str:
        """The version of the daemon's software, such as 20.10.24."""
        return str(self._json("GET", "/version")["Version"])

    def image(self, reference: str) -> Image | None:
        """The image with this id, name or digest, None when it is not on this host."""
        found = self._json("GET", f"/images/{quote(reference, safe='/:@')}/json", missing=(404,))
        return None if found is None else _image(found, (found.get("Config") or {}).get("Labels"))

    def images(self, label: str) -> tuple[Image, ...]:
        """The images of this host that carry a label (`name=value`)."""
        found = self._json("GET", "/images/json", params={"filters": json.dumps({"label": [label]})})
        return tuple(_image(one, one.get("Labels")) for one in found)

    def digest_of(self, reference: str, *, login: str = "") -> str:
        """The digest that a registry has for a name now, asked by the daemon; nothing is fetched."""
        path = f"/distribution/{quote(reference, safe='/:@')}/json"
        found = self._json("GET", path, headers=_login(login))
        return str(found["Descriptor"]["digest"])

    def pull(self, reference: str, *, login: str = "", pulse: Callable[[str], None]) -> None:
        """Fetch an image by digest from its registry. `pulse` gets what the daemon says; it may raise to stop it."""
        with self._client(timeout=httpx.Timeout(_ANSWER_S, read=_SILENT_S)) as client, self._talk():
            path = self._path("/images/create")
            asked = client.stream("POST", path, params={"fromImage": reference}, headers=_login(login))
            with asked as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise _refused(answer)
                for line in answer.iter_lines():
                    said = json.loads(line) if line.strip() else {}
                    if said.get("error"):
                        raise EngineRefused(str(said["error"]), status=500)
                    pulse(str(said.get("status") or ""))

    def container(self, name: str) -> Container | None:
        """The container with this name or id, None when there is none."""
        found = self._json("GET", f"/containers/{quote(name)}/json", missing=(404,))
        return None if found is None else _container(found)

    def containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        """Every container that carries all these labels, running or not, by name."""
        wanted = json.dumps({"label": [f"{name}={value}" for name, value in labels.items()]})
        rows = self._json("GET", "/containers/json", params={"all": "1", "filters": wanted})
        found = (self.container(row["Id"]) for row in rows)
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.name))

    def create(self, name: str, config: Mapping[str, Any]) -> None:
        """Make a container without starting it. EngineRefused with status 409: the name is taken."""
        self._json("POST", "/containers/create", params={"name": name}, body=config)

    def start(self, name: str) -> None:
        """Start a container; one that runs is left alone."""
        self._json("POST", f"/containers/{quote(name)}/start")

    def stop(self, name: str, *, timeout_s: float) -> None:
        """SIGTERM, and SIGKILL after `timeout_s` seconds. One that does not run, or is gone, is fine."""
        # The daemon counts whole seconds, and 0 is SIGKILL at once.
        patience = {"t": str(max(1, round(timeout_s)))}
        path = f"/containers/{quote(name)}/stop"
        self._json("POST", path, params=patience, missing=(404,), timeout_s=timeout_s + _ANSWER_S)

    def remove(self, name: str) -> None:
        """Remove a container with its anonymous volumes; one that is gone already is fine."""
        params = {"force": "1", "v": "1"}
        deadline = time.monotonic() + 10.0
        while True:
            try:
                self._json("DELETE", f"/containers/{quote(name)}", params=params, missing=(404,))
                return
            except EngineRefused as error:  # 409: its removal is in progress
                if error.status != 409 or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def logs(self, name: str, *, lines: int = 20) -> str:
        """The last lines that the container has written."""
        params = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        with self._client() as client, self._talk():
            answer = client.get(self._path(f"/containers/{quote(name)}/logs"), params=params)
        return _plain(answer.content) if answer.status_code == 200 else ""

    def _json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        missing: tuple[int, ...] = (),
        timeout_s: float | None = None,
    ) -> Any:
        content = None if body is None else json.dumps(body).encode()
        answer = self.send(
            method, path, params=params, content=content, headers=headers, missing=missing, timeout_s=timeout_s
        )
        return answer.json() if answer.content and answer.status_code < 300 else None

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        missing: tuple[int, ...] = (),
        timeout_s: float | None = None,
    ) -> httpx.Response:
        """One request to the daemon, with its version's prefix put before the path.

        Raises:
            EngineAway: the daemon does not answer.
            EngineRefused: it answered with an error that is not in `missing`.
        """
        sent = {**(headers or {}), **({"Content-Type": "application/json"} if content is not None else {})}
        with self._client(timeout=timeout_s) as client, self._talk():
            answer = client.request(method, self._path(path), params=params, content=content, headers=sent)
        if answer.status_code >= 400 and answer.status_code not in missing:
            raise _refused(answer)
        return answer

    @contextmanager
    def _talk(self) -> Iterator[None]:
        try:
            self._knock()
            yield
        except (httpx.TransportError, OSError, json.JSONDecodeError) as error:
            reason = str(error) or type(error).__name__
            raise EngineAway(
                _("Docker does not answer at %(endpoint)s: %(reason)s") % {"endpoint": self.endpoint, "reason": reason},
                hint=_("Is the daemon running, and may this user use its socket?"),
            ) from error

    def _knock(self) -> None:
        """Say in the system's own words why a socket cannot be used; the HTTP client would leave it open then."""
        scheme, _sep, place = self.endpoint.partition("://")
        if scheme == "unix":
            with socket.socket(socket.AF_UNIX) as door:
                door.settimeout(self._patience_s)
                door.connect(place)

    def _client(self, *, timeout: float | httpx.Timeout | None = None) -> httpx.Client:
        # Nothing of the environment (a proxy for the internet) applies to a socket of this host.
        scheme, _sep, place = self.endpoint.partition("://")
        uds = place if scheme == "unix" else None
        base = "http://docker" if uds else f"http://{place}"
        transport = httpx.HTTPTransport(uds=uds, verify=False, trust_env=False)
        return httpx.Client(transport=transport, base_url=base, timeout=timeout or self._patience_s, trust_env=False)

    def _path(self, path: str) -> str:
        if not self._version:
            with self._client() as client:
                answer = client.get("/version")
            oldest = _numbers(answer.json().get("MinAPIVersion")) if answer.status_code == 200 else _VERSION
            self._version = ".".join(str(number) for number in max(_VERSION, oldest))
        return f"/v{self._version}{path}"


def login_for(reference: str, config: Path | None) -> str:
    """What `docker login` has kept for the image's registry in a config.json, as the daemon wants it; "" for none.

    Raises:
        EngineRefused: the file cannot be read.
    """
    if config is None:
        return ""
    first = reference.split("/")[0]
    registry = first if "/" in reference and ("." in first or ":" in first or first == "localhost") else _DEFAULT
    try:
        kept = json.loads(config.read_bytes()).get("auths") or {}
    except (OSError, ValueError) as error:
        raise EngineRefused(
            _("%(file)s cannot be read: %(reason)s") % {"file": config, "reason": error}, status=400
        ) from error
    secret = next((login.get("auth") for key, login in kept.items() if _is_for(key, registry)), None)
    if not secret:
        return ""
    user, _colon, password = base64.b64decode(secret).decode().partition(":")
    words = {"username": user, "password": password, "serveraddress": registry}
    return base64.urlsafe_b64encode(json.dumps(words).encode()).decode()


def _is_for(key: str, registry: str) -> bool:
    """Whether a login is kept for the registry: by its host, or by an address there, as older clients write it."""
    host = key.partition("://")[2].partition("/")[0] if "://" in key else key.partition("/")[0]
    # The default registry keeps its logins under a host of its own below the name that images have.
    return host == registry or (registry == _DEFAULT and host.endswith(f".{_DEFAULT}"))


def _login(login: str) -> dict[str, str]:
    return {"X-Registry-Auth": login} if login else {}


def _refused(answer: httpx.Response) -> EngineRefused:
    try:
        said = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        said = answer.text[:500]
    return EngineRefused(_("Docker refused: %(reason)s") % {"reason": said.strip()}, status=answer.status_code)


def _image(found: Mapping[str, Any], labels: Mapping[str, str] | None) -> Image:
    return Image(
        id=str(found["Id"]),
        tags=tuple(tag for tag in found.get("RepoTags") or () if not tag.startswith("<none>")),
        digests=tuple(one for one in found.get("RepoDigests") or () if not one.startswith("<none>")),
        labels=dict(labels or {}),
        created=str(found.get("Created") or ""),
    )


def _container(found: Mapping[str, Any]) -> Container:
    state = found["State"]
    health = state.get("Health") or {}
    said = [str(one.get("Output") or "") for one in health.get("Log") or ()]
    status = str(health.get("Status") or "")
    return Container(
        id=str(found["Id"]),
        name=str(found["Name"]).lstrip("/"),
        image=str(found["Image"]),
        labels=dict(found["Config"].get("Labels") or {}),
        status=str(state["Status"]),
        exit_code=int(state.get("ExitCode") or 0),
        error=str(state.get("Error") or ""),
        health="" if status == "none" else status,
        finished=str(state.get("FinishedAt") or ""),
        health_output=said[-1].strip()[-300:] if said else "",
    )


def _plain(raw: bytes) -> str:
    """Without the eight bytes before each piece that say which stream it is and how long."""
    pieces, place = [], 0
    while place + 8 <= len(raw) and raw[place] in (0, 1, 2) and raw[place + 1 : place + 4] == b"\0\0\0":
        size = int.from_bytes(raw[place + 4 : place + 8], "big")
        pieces.append(raw[place + 8 : place + 8 + size])
        place += 8 + size
    return (b"".join(pieces) if pieces else raw).decode("utf-8", "replace")


def _numbers(version: object) -> tuple[int, ...]:
    words = str(version or "").split(".")
    return tuple(int(word) for word in words) if all(word.isdigit() for word in words) else _VERSION
