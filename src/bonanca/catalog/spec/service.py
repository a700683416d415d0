"""A declared service, whole, and the catalog."""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bonanca.catalog.spec.contingencies import ContingencySpec
from bonanca.catalog.spec.data import BackupSpec, DatabaseSpec
from bonanca.catalog.spec.objectives import SloSpec
from bonanca.catalog.spec.privacy import PrivacySpec
from bonanca.catalog.spec.reexecution import ReexecutionSpec
from bonanca.catalog.spec.restoring import RestoreSpec
from bonanca.catalog.spec.rollback import RollbackSpec
from bonanca.catalog.spec.running import (
    ConfigSpec,
    GatewaySpec,
    ReplicaSpec,
    RepositorySpec,
    RunSpec,
    StatusPageSpec,
    VerifySpec,
)
from bonanca.catalog.spec.teams import TeamSpec
from bonanca.catalog.spec.watching import ReinforcedWatchSpec
from bonanca.kernel.typed import convert

ENVIRONMENTS = ("production", "development")


@dataclass(frozen=True)
class ServiceView:
    """A declared service, whole. Optional parts are `None` when the team did not declare them."""

    slug: str
    name: str
    team_slug: str
    critical: bool = False
    environment: str = "production"
    description: str = ""
    depends_on: tuple[str, ...] = ()
    gateway: GatewaySpec | None = None
    repository: RepositorySpec | None = None
    root: Path | None = None
    run: RunSpec | None = None
    config: ConfigSpec | None = None
    migrate: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()
    database: DatabaseSpec | None = None
    verify: tuple[VerifySpec, ...] = ()
    backup: BackupSpec | None = None
    restore: RestoreSpec | None = None
    status_page: StatusPageSpec | None = None
    slos: tuple[SloSpec, ...] = ()
    rollback: RollbackSpec | None = None
    privacy: PrivacySpec | None = None
    contingencies: tuple[ContingencySpec, ...] = ()
    watch: ReinforcedWatchSpec | None = None
    reexecution: ReexecutionSpec | None = None

    @property
    def backed_up(self) -> bool:
        """Whether it declares a backup, and something that a backup can take."""
        return self.backup is not None and (self.database is not None or self.backup.files is not None)

    def placeholders(self, *, release: Path | None = None, replica: ReplicaSpec | None = None) -> dict[str, str]:
        """Values for {python}, {config}, {release} and (for a replica) {port} in the service's commands."""
        # Another host has not this interpreter.
        usual = "python3" if self.run is not None and self.run.host is not None else sys.executable
        values = {"python": (self.run.python if self.run else None) or usual}
        if self.config is not None:
            values["config"] = str(self.config.file)
        if release is not None:
            values["release"] = str(release)
        if replica is not None:
            values["port"] = str(replica.port)
        return values

    def digest(self) -> str:
        """SHA-256 of the canonical JSON: equal digests mean that nothing declared has changed."""
        canonical = json.dumps(to_json(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True)
class Catalog:
    """Everything that one file (or directory) declares."""

    teams: tuple[TeamSpec, ...] = ()
    services: tuple[ServiceView, ...] = ()


def to_json(service: ServiceView) -> dict[str, Any]:
    """The service as JSON-able builtins; `from_json` is its inverse."""
    result: dict[str, Any] = msgspec.to_builtins(service, enc_hook=str)
    return result


def from_json(data: Mapping[str, Any]) -> ServiceView:
    """The service that `to_json` wrote; unknown keys of a newer version are ignored."""
    return convert(data, ServiceView, dec_hook=lambda kind, value: kind(value))
