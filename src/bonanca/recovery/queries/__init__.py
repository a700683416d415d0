"""Reading recovery: backups, drills, pins, kept databases and rows at risk."""

from bonanca.recovery.queries.backups import (
    BackupNotFound,
    backup_by_key,
    declares_backup,
    get_backup,
    has_database,
    last_attempt,
    latest_backup,
    latest_verified_backup,
    list_backups,
    overview,
    team_of,
)
from bonanca.recovery.queries.drills import get_drill, passed_drill_by_key
from bonanca.recovery.queries.history import history, place_costs, running
from bonanca.recovery.queries.kept import KeptNotFound, kept_database, kept_databases, kept_files
from bonanca.recovery.queries.keys import keys_of
from bonanca.recovery.queries.outside import outside_of
from bonanca.recovery.queries.pins import (
    PinNotFound,
    get_pin,
    latest_pin,
    pin_by_key,
    pin_of_change,
    pin_prices,
    pin_view,
    pinned_configuration,
    pins_of,
)
from bonanca.recovery.queries.places import places_of
from bonanca.recovery.queries.readiness import list_drills, objectives_in, readiness, readiness_of
from bonanca.recovery.queries.replication import lag_between, replication, replication_of, servers_declared
from bonanca.recovery.queries.restores import RestoreNotFound, get_restore, list_restores, restores_in_work
from bonanca.recovery.queries.retention import retention_plan
from bonanca.recovery.queries.rows import (
    COUNT_TIMEOUT_S,
    UNDECIDED_SHOWN,
    SetAsideNotFound,
    discarded_rows,
    get_set_aside,
    pending_rows,
    rows_at_risk,
    rows_since_swap,
    rows_written_since,
    set_aside_by_key,
    set_aside_of_run,
    set_asides_of,
)
from bonanca.recovery.queries.wal import restore_points, wal_of

__all__ = [
    "COUNT_TIMEOUT_S",
    "UNDECIDED_SHOWN",
    "BackupNotFound",
    "KeptNotFound",
    "PinNotFound",
    "RestoreNotFound",
    "SetAsideNotFound",
    "backup_by_key",
    "declares_backup",
    "discarded_rows",
    "get_backup",
    "get_drill",
    "get_pin",
    "get_restore",
    "get_set_aside",
    "has_database",
    "history",
    "kept_database",
    "kept_databases",
    "kept_files",
    "keys_of",
    "lag_between",
    "last_attempt",
    "latest_backup",
    "latest_pin",
    "latest_verified_backup",
    "list_backups",
    "list_drills",
    "list_restores",
    "objectives_in",
    "outside_of",
    "overview",
    "passed_drill_by_key",
    "pending_rows",
    "pin_by_key",
    "pin_of_change",
    "pin_prices",
    "pin_view",
    "pinned_configuration",
    "pins_of",
    "place_costs",
    "places_of",
    "readiness",
    "readiness_of",
    "replication",
    "replication_of",
    "restore_points",
    "restores_in_work",
    "retention_plan",
    "rows_at_risk",
    "rows_since_swap",
    "rows_written_since",
    "running",
    "servers_declared",
    "set_aside_by_key",
    "set_aside_of_run",
    "set_asides_of",
    "team_of",
    "wal_of",
]
