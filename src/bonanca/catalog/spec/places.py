"""Where backups lie, how many copies there must be, and how long they are kept."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PlaceSpec:
    """One place with its options. Secrets are in files: neither a place's name nor the catalog holds one.

    `endpoint`, `region`, `credentials_file`, `profile`, `allow_http` and `lock_days` (object lock, in days) are of S3,
    `key_file` and `known_hosts` of SFTP; `allow_private` lets either connect to an address of a private network.
    """

    place: str
    endpoint: str | None = None
    region: str | None = None
    credentials_file: Path | None = None
    profile: str | None = None
    allow_http: bool = False
    allow_private: bool = False
    lock_days: int = 0
    key_file: Path | None = None
    known_hosts: Path | None = None
