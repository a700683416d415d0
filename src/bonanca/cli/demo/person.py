"""A person at the API: what the demo does, it does through the same door as everybody."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from bonanca.cli.demo.outcome import CheckFailed

T = TypeVar("T")


class Person:
    """Somebody with a token."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=f"{url}/api/v1/", headers={"Authorization": f"Bearer {token}"}, timeout=30.0
        )

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of a reading call."""
        return self._answer(self._client.get(path, params=params))

    def post(self, path: str, **body: Any) -> Any:
        """Return the JSON of an acting call."""
        return self._answer(self._client.post(path, json=body))

    def text(self, path: str, **params: Any) -> str:
        """Return the text of a reading call."""
        response = self._client.get(path, params=params)
        if response.is_error:
            raise CheckFailed(f"GET {path}: {response.status_code} {response.text[:300]}")
        return response.text

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_error:
            raise CheckFailed(
                f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text[:500]}"
            )
        return response.json() if response.content else None

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


def wait_for(what: str, look: Callable[[], T | None], *, timeout_s: float, every_s: float = 0.1) -> T:
    """Look until there is something, and return it.

    Raises:
        CheckFailed: there is nothing in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            found = look()
        except httpx.TransportError:
            # The pages are being restarted; the deadline judges.
            found = None
        if found:
            return found
        if time.monotonic() > deadline:
            raise CheckFailed(f"{what}: nothing after {timeout_s:.0f} s")
        time.sleep(every_s)
