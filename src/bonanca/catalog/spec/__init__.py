"""What a catalog declares, as frozen values: teams, people, services and everything a service promises.

The names are those of `bonanca.yaml`. Paths are absolute (relative ones were resolved against their file), times carry
their unit in the name, and a part that a team did not declare is `None` or an empty tuple. Other rooms get these values
from `bonanca.catalog.queries`; nobody but `catalog.documents` builds them from text.
"""

from bonanca.catalog.spec.containers import ContainerCheck, DockerRunSpec
from bonanca.catalog.spec.contingencies import CONTINGENCY_KINDS, ContingencySpec
from bonanca.catalog.spec.data import BackupCheck, BackupSpec, DatabaseSpec, RowsAtRisk
from bonanca.catalog.spec.drills import PICKS, DrillSpec
from bonanca.catalog.spec.files import FilesSpec
from bonanca.catalog.spec.hosts import HostSpec, UnitsSpec
from bonanca.catalog.spec.objectives import SEVERITIES, BurnAlert, SloSource, SloSpec
from bonanca.catalog.spec.pgbackrest import PgBackRestSpec
from bonanca.catalog.spec.places import PlaceSpec
from bonanca.catalog.spec.privacy import (
    ASKED,
    COMPARED,
    ComparisonSpec,
    ErasureSpec,
    PrivacySpec,
    StatementSpec,
)
from bonanca.catalog.spec.reexecution import (
    METHODS,
    AgainSpec,
    HttpAgain,
    LogSource,
    ReexecutionSpec,
    SourceSpec,
)
from bonanca.catalog.spec.restoring import RestoreSpec
from bonanca.catalog.spec.retention import RetentionSpec
from bonanca.catalog.spec.rollback import (
    APPROVALS,
    AUDIENCES,
    PINS,
    STRATEGIES,
    CriteriaSpec,
    Question,
    RollbackSpec,
    WatchSpec,
)
from bonanca.catalog.spec.running import (
    ConfigSpec,
    GatewaySpec,
    HealthSpec,
    ReplicaSpec,
    RepositorySpec,
    RouteSpec,
    RunSpec,
    Scalar,
    StatusPageSpec,
    VerifySpec,
)
from bonanca.catalog.spec.service import ENVIRONMENTS, Catalog, ServiceView, from_json, to_json
from bonanca.catalog.spec.standby import ServerSpec, StandbySpec
from bonanca.catalog.spec.supervision import RestartSpec
from bonanca.catalog.spec.teams import LOCALES, ROLES, MemberSpec, TeamSpec
from bonanca.catalog.spec.wal import PhysicalSpec, WalSpec
from bonanca.catalog.spec.watching import HOURS_MOST, ReinforcedWatchSpec

__all__ = [
    "APPROVALS",
    "ASKED",
    "AUDIENCES",
    "COMPARED",
    "CONTINGENCY_KINDS",
    "ENVIRONMENTS",
    "HOURS_MOST",
    "LOCALES",
    "METHODS",
    "PICKS",
    "PINS",
    "ROLES",
    "SEVERITIES",
    "STRATEGIES",
    "AgainSpec",
    "BackupCheck",
    "BackupSpec",
    "BurnAlert",
    "Catalog",
    "ComparisonSpec",
    "ConfigSpec",
    "ContainerCheck",
    "ContingencySpec",
    "CriteriaSpec",
    "DatabaseSpec",
    "DockerRunSpec",
    "DrillSpec",
    "ErasureSpec",
    "FilesSpec",
    "GatewaySpec",
    "HealthSpec",
    "HostSpec",
    "HttpAgain",
    "LogSource",
    "MemberSpec",
    "PgBackRestSpec",
    "PhysicalSpec",
    "PlaceSpec",
    "PrivacySpec",
    "Question",
    "ReexecutionSpec",
    "ReinforcedWatchSpec",
    "ReplicaSpec",
    "RepositorySpec",
    "RestartSpec",
    "RestoreSpec",
    "RetentionSpec",
    "RollbackSpec",
    "RouteSpec",
    "RowsAtRisk",
    "RunSpec",
    "Scalar",
    "ServerSpec",
    "ServiceView",
    "SloSource",
    "SloSpec",
    "SourceSpec",
    "StandbySpec",
    "StatementSpec",
    "StatusPageSpec",
    "TeamSpec",
    "UnitsSpec",
    "VerifySpec",
    "WalSpec",
    "WatchSpec",
    "from_json",
    "to_json",
]
