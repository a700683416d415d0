"""Which host, as whom, and by which keys: a frozen value that fits into a plan's parameters. No secret is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BadHost(ValueError):
    """The parameters do not name a host."""


@dataclass(frozen=True)
class SshHost:
    """`user` at `host`, who knows our key (`key_file`) and whose own key is in `known_hosts`."""

    host: str
    user: str
    key_file: Path
    known_hosts: Path
    port: int = 22

    @property
    def address(self) -> str:
        """As people write it."""
        return f"{self.user}@{self.host}" + (f":{self.port}" if self.port != 22 else "")

    def to_json(self) -> dict[str, Any]:
        """Parameters of a step; `from_json` is the inverse."""
        return {
            "host": self.host,
            "user": self.user,
            "port": self.port,
            "key_file": str(self.key_file),
            "known_hosts": str(self.known_hosts),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SshHost:
        """Read what `to_json` wrote.

        Raises:
            BadHost: a part is missing or has the wrong shape.
        """
        try:
            found = cls(
                host=str(data["host"]),
                user=str(data["user"]),
                key_file=Path(data["key_file"]),
                known_hosts=Path(data["known_hosts"]),
                port=int(data.get("port") or 22),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadHost(f"not a host: {type(error).__name__} {error}") from error
        if not found.host or not found.user or not found.key_file.is_absolute() or not found.known_hosts.is_absolute():
            raise BadHost(f"{found.address}: a host needs a user and absolute paths of its keys")
        return found
