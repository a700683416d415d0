"""Services that systemd runs, and services of another host."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class UnitsSpec:
    """The unit of a service, or with {port} in its name one for each replica.

    `user`: of the user's manager instead of the system's. `sudo`: systemctl is asked through `sudo -n`.
    """

    unit: str
    user: bool = False
    sudo: bool = False


@dataclass(frozen=True)
class HostSpec:
    """Another host, by SSH: as whom, where, with which private key, and where its own key is known from."""

    user: str
    name: str
    key_file: Path
    known_hosts: Path
    port: int = 22

    @property
    def address(self) -> str:
        """As people write it."""
        return f"{self.user}@{self.name}" + (f":{self.port}" if self.port != 22 else "")
