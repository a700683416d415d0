"""Looks at services, each in a thread of its own: one that hangs holds up no other, and is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import structlog
from django.db import connection
from django.utils.translation import gettext as _

from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import BonancaError

log = structlog.get_logger(__name__)
T = TypeVar("T")
# How long a service is waited for that failed or was slow the last time: shorter than the pace of any job.
SHORT_S = 1.0
_Key = tuple[str, str]


@dataclass(frozen=True)
class Found(Generic[T]):
    """What came of a look at a service: what was found, or (`failure` not "") why nothing is known."""

    service: ServiceView
    found: T | None
    failure: str = ""


class Looks(Generic[T]):
    """One job's looks. A look that has not come back is not waited for again, and none is begun beside it."""

    def __init__(self, look: Callable[[ServiceView, datetime], T], *, wait_s: float, slow_s: float) -> None:
        """Wait at most `wait_s` seconds for what a round has begun; tell of a look after `slow_s`."""
        self._look = look
        self._wait_s, self._slow_s = wait_s, slow_s
        self._going: dict[_Key, _Going[T]] = {}
        self._failing: dict[_Key, str] = {}

    def round(self, services: Iterable[ServiceView], now: datetime) -> list[Found[T]]:
        """Look at each service and say what came of it; nothing for one whose look goes on and is not slow yet."""
        services, begun, began = list(services), [], time.monotonic()
        self._failing = {key: why for key, why in self._failing.items() if key in map(_key, services)}
        came = [found for service in services if (found := self._collected(service)) is not None]
        for service in services:
            key = _key(service)
            if key not in self._going:
                self._going[key] = _Going(self._look, service, now)
                begun.append((self._going[key].thread, SHORT_S if key in self._failing else self._wait_s))
        for thread, patience_s in begun:
            thread.join(max(0.0, began + patience_s - time.monotonic()))
        later = [self._collected(service) or self._pending(service) for service in services]
        newest = {_key(found.service): found for found in [*came, *later] if found is not None}
        return list(newest.values())

    def _collected(self, service: ServiceView) -> Found[T] | None:
        key = _key(service)
        going = self._going.get(key)
        if going is None or going.thread.is_alive():
            return None
        del self._going[key]
        if going.failure:
            self._failing[key] = going.failure
            return Found(service, None, going.failure)
        if going.age_s > self._slow_s:
            return None  # what it saw in the beginning may be long over: the next look tells
        self._failing.pop(key, None)
        return Found(service, going.found)

    def _pending(self, service: ServiceView) -> Found[T] | None:
        key = _key(service)
        going = self._going.get(key)
        if going is not None and going.age_s > self._slow_s:
            self._failing[key] = _("no answer for %(seconds)d s") % {"seconds": round(going.age_s)}
        failure = self._failing.get(key)
        return Found(service, None, failure) if failure else None


def _key(service: ServiceView) -> _Key:
    return service.slug, str(service.root)


class _Going(Generic[T]):
    """A look that was begun. Its thread ends with the process: it can be in nothing that a kill would harm."""

    def __init__(self, look: Callable[[ServiceView, datetime], T], service: ServiceView, now: datetime) -> None:
        self.found: T | None = None
        self.failure = ""
        self._began = time.monotonic()
        self._ended: float | None = None
        self.thread = threading.Thread(
            target=self._run, args=(look, service, now), name=f"look: {service.slug}", daemon=True
        )
        self.thread.start()

    @property
    def age_s(self) -> float:
        return (self._ended or time.monotonic()) - self._began

    def _run(self, look: Callable[[ServiceView, datetime], T], service: ServiceView, now: datetime) -> None:
        try:
            self.found = look(service, now)
        except (BonancaError, OSError) as failure:
            self.failure = str(failure) or type(failure).__name__
        except Exception as failure:
            # Told with the service; one that fails in an unforeseen way does not keep the others from being looked at.
            log.exception("a look failed in an unforeseen way", service=service.slug)
            self.failure = f"{type(failure).__name__}: {failure}"
        finally:
            self._ended = time.monotonic()
            connection.close()
