"""pgBackRest as it is installed on this machine: run with lists of arguments, believed by what it says."""

from bonanca.actuators.pgbackrest.program import (
    PgBackRestFailed,
    PgBackRestMissing,
    Stanza,
    back_up,
    info_of,
    newest_server,
    no_stanza,
    restore,
    restore_command,
    verify,
    version_of,
)
from bonanca.actuators.pgbackrest.reading import Info, Kept, Repository, Verdict, parse_info, parse_verify

__all__ = [
    "Info",
    "Kept",
    "PgBackRestFailed",
    "PgBackRestMissing",
    "Repository",
    "Stanza",
    "Verdict",
    "back_up",
    "info_of",
    "newest_server",
    "no_stanza",
    "parse_info",
    "parse_verify",
    "restore",
    "restore_command",
    "verify",
    "version_of",
]
