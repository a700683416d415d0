"""The agent's side of its conversation with `bonanca web`: a long poll and a report, over HTTP."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import httpx

from bonanca.actuators.gateway.wire import Applied, Desired, encode, parse_desired
from bonanca.kernel.errors import Invalid

TOKEN_VARIABLE = "BONANCA_GATEWAY_TOKEN"  # noqa: S105


class WebSilent(Exception):
    """Web did not give what it was asked for; the text says why. The agent goes on with what it has."""


@dataclass(frozen=True)
class Token:
    """A bearer token from a file (read again at each use, so it can be changed) or from the environment."""

    file: Path | None = None

    def check(self) -> None:
        """See at the start that the token is kept from others; a file that is not there yet may still come.

        Raises:
            Invalid: others can read the file.
        """
        if self.file is not None and self.file.exists() and stat.S_IMODE(self.file.stat().st_mode) & 0o077:
            raise Invalid(f"{self.file} can be read by others.", hint=f"Run: chmod 600 {self.file}", field="token_file")

    def read(self) -> str:
        """Return the token.

        Raises:
            WebSilent: there is none, or none that may be used. Visitors are served all the same.
        """
        if self.file is None:
            token, where = os.environ.get(TOKEN_VARIABLE, ""), f"the variable {TOKEN_VARIABLE}"
        else:
            where = str(self.file)
            try:
                self.check()
                token = self.file.read_text().strip()
            except (OSError, UnicodeDecodeError, Invalid) as error:
                raise WebSilent(f"the token cannot be read: {error}") from error
        if not token:
            raise WebSilent(f"there is no token in {where}")
        return token


class Web:
    """Asks web for the desired state of one gateway and tells it what is live.

    `url` may name several, with commas between: one that does not answer is left for the next.
    """

    def __init__(self, url: str, gateway: str, token: Token) -> None:
        self._urls = [one.strip().rstrip("/") for one in url.split(",") if one.strip()]
        self._at = 0
        self._gateway = gateway
        self._token = token
        # Proxies are for the way out of a network, and web is not out there.
        self._client = httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(5.0))

    async def desired(self, *, since: int, wait_s: float) -> Desired | None:
        """Return the state once its version differs from `since`, None when it did not within `wait_s`.

        Raises:
            WebSilent: no usable answer.
            DesiredRefused: an answer that must not be applied.
        """
        answer = await self._ask(
            "GET",
            "/api/v1/gateway/desired",
            params={"gateway": self._gateway, "since": str(since), "wait": f"{wait_s:g}"},
            timeout=httpx.Timeout(5.0, read=wait_s + 10.0),
        )
        return parse_desired(answer.content, gateway=self._gateway) if answer.status_code == 200 else None

    async def report(self, applied: Applied) -> None:
        """Tell web what is live.

        Raises:
            WebSilent: it was not taken.
        """
        await self._ask(
            "POST", "/api/v1/gateway/applied", content=encode(applied), headers={"Content-Type": "application/json"}
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
    ) -> httpx.Response:
        authorization = {"Authorization": f"Bearer {self._token.read()}", **(headers or {})}
        used = self._at
        try:
            answer = await self._client.request(
                method,
                self._urls[used] + path,
                params=params,
                content=content,
                headers=authorization,
                timeout=timeout or httpx.USE_CLIENT_DEFAULT,
            )
        except httpx.HTTPError as error:
            self._turn_from(used)
            raise WebSilent(f"{type(error).__name__}: {error}") from error
        if answer.status_code >= 500:
            self._turn_from(used)
        if answer.status_code not in (200, 204):
            raise WebSilent(f"{method} {path} answered {answer.status_code}: {answer.text[:200]}")
        return answer

    def _turn_from(self, used: int) -> None:
        """Ask the next one from now on, unless another question has turned already."""
        if self._at == used:
            self._at = (used + 1) % len(self._urls)
