"""Backups, pins and what a rollback would cost, over HTTP."""

from bonanca.recovery.api import (
    backups,
    drills,
    exercises,
    pins,
    places,
    privacy,
    replication,
    restores,
    retention,
    rows,
)
from bonanca.recovery.api.router import router

__all__ = [
    "backups",
    "drills",
    "exercises",
    "pins",
    "places",
    "privacy",
    "replication",
    "restores",
    "retention",
    "router",
    "rows",
]
