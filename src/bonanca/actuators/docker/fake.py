"""A daemon that only exists in memory, for other rooms' tests; it passes the contract test of the real one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from bonanca.actuators.docker.engine import Container, EngineRefused, Image


@dataclass
class FakeDocker:
    """Images by id, containers by name. Put an image's id into `broken` and its containers end at once."""

    broken: set[str] = field(default_factory=set)
    registry: dict[str, Image] = field(default_factory=dict)
    _images: dict[str, Image] = field(default_factory=dict)
    _containers: dict[str, Container] = field(default_factory=dict)
    _moments: count[int] = field(default_factory=lambda: count(1))

    def add_image(self, name: str, labels: Mapping[str, str] | None = None) -> Image:
        """An image that was built on this host."""
        made = f"sha256:{hashlib.sha256(f'{name}{len(self._images)}'.encode()).hexdigest()}"
        image = Image(made, (name,), (), dict(labels or {}), f"{next(self._moments):020d}")
        for known in self._images.values():
            if name in known.tags:
                self._images[known.id] = replace(known, tags=tuple(tag for tag in known.tags if tag != name))
        self._images[made] = image
        return image

    def image(self, reference: str) -> Image | None:
        for image in self._images.values():
            if reference in (image.id, *image.tags, *image.digests):
                return image
        return None

    def images(self, label: str) -> tuple[Image, ...]:
        name, _equals, value = label.partition("=")
        return tuple(image for image in self._images.values() if image.labels.get(name) == value)

    def digest_of(self, reference: str, *, login: str = "") -> str:
        if reference not in self.registry:
            raise EngineRefused(f"Docker refused: manifest unknown: {reference}", status=404)
        return self.registry[reference].digests[0].partition("@")[2]

    def pull(self, reference: str, *, login: str = "", pulse: Callable[[str], None]) -> None:
        for image in self.registry.values():
            if reference in image.digests:
                self._images[image.id] = replace(image, tags=())
                return
        raise EngineRefused(f"Docker refused: manifest unknown: {reference}", status=404)

    def container(self, name: str) -> Container | None:
        return self._containers.get(name)

    def containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        wanted = labels.items()
        return tuple(one for _name, one in sorted(self._containers.items()) if wanted <= one.labels.items())

    def create(self, name: str, config: Mapping[str, Any]) -> None:
        if name in self._containers:
            raise EngineRefused(f"Docker refused: the name {name} is in use", status=409)
        if self.image(config["Image"]) is None:
            raise EngineRefused(f"Docker refused: No such image: {config['Image']}", status=404)
        made = hashlib.sha256(f"{name}{next(self._moments)}".encode()).hexdigest()
        self._containers[name] = Container(made, name, config["Image"], dict(config["Labels"]), "created")

    def start(self, name: str) -> None:
        known = self._containers.get(name)
        if known is None:
            raise EngineRefused(f"Docker refused: No such container: {name}", status=404)
        ends = known.image in self.broken
        self._containers[name] = replace(known, status="exited" if ends else "running", exit_code=1 if ends else 0)

    def stop(self, name: str, *, timeout_s: float) -> None:
        if (known := self._containers.get(name)) is not None and known.running:
            self._containers[name] = replace(known, status="exited", finished=f"{next(self._moments):020d}")

    def remove(self, name: str) -> None:
        self._containers.pop(name, None)

    def logs(self, name: str, *, lines: int = 20) -> str:
        return ""
