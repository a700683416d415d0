"""What this room knows, as frozen values."""

from bonanca.aftercare.queries.reexecutions import (
    ReexecutionNotFound,
    get_reexecution,
    items_of,
    reexecution_of_run,
    reexecutions,
)
from bonanca.aftercare.queries.watches import (
    WatchNotFound,
    get_watch,
    samples_of,
    watch_of_incident,
    watch_of_plan,
    watch_of_service,
    watches,
    watches_of_incident,
    watches_to_look_at,
)

__all__ = [
    "ReexecutionNotFound",
    "WatchNotFound",
    "get_reexecution",
    "get_watch",
    "items_of",
    "reexecution_of_run",
    "reexecutions",
    "samples_of",
    "watch_of_incident",
    "watch_of_plan",
    "watch_of_service",
    "watches",
    "watches_of_incident",
    "watches_to_look_at",
]
