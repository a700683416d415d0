"""The step kinds of this room: importing the package registers them."""

from bonanca.recovery.steps import (
    backups,
    checks,
    configuration,
    data,
    files,
    keys,
    pin,
    privacy,
    promotion,
    reapply,
    rejoin,
    restore,
    set_aside,
)

__all__ = [
    "backups",
    "checks",
    "configuration",
    "data",
    "files",
    "keys",
    "pin",
    "privacy",
    "promotion",
    "reapply",
    "rejoin",
    "restore",
    "set_aside",
]
