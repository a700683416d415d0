"""Backups, pins and what a rollback would cost, over HTTP."""

from bonanca.recovery.api import backups, drills, pins, places, restores, retention, rows
from bonanca.recovery.api.router import router

__all__ = ["backups", "drills", "pins", "places", "restores", "retention", "router", "rows"]
