"""How a service runs in containers."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ContainerCheck:
    """A command inside the container, every `every_s` seconds; `failures` bad exits in a row mean unhealthy."""

    command: tuple[str, ...]
    every_s: float = 5.0
    timeout_s: float = 3.0
    failures: int = 3
    start_s: float = 0.0


@dataclass(frozen=True)
class DockerRunSpec:
    """One container of a Docker daemon for each replica.

    `image` says how the image of a commit is found: a name with {commit} in its tag, a name without a tag (the image
    of this host whose label org.opencontainers.image.revision is the commit), or, for a service without a repository,
    a digest. In the network `host` a container listens on its replica's port; in any other on `port`, which is
    published there. `volumes` are host:container[:ro]. `env_file` and `registry_login` are files of this host that are
    read when they are needed; what is in them is in no plan.
    """

    image: str
    endpoint: str = "unix:///run/docker.sock"
    network: str = "host"
    port: int | None = None
    command: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    env_file: Path | None = None
    healthcheck: ContainerCheck | None = None
    registry_login: Path | None = None
    stop_timeout_s: float = 10.0
