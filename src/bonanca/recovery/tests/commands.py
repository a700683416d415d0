"""`bonanca backup` whole: its files in the order in which the command line loads them, whichever test comes first."""

from bonanca.recovery.cli import backup_keys, backup_places, backup_retention
from bonanca.recovery.cli.backup import app

__all__ = ["app", "backup_keys", "backup_places", "backup_retention"]
