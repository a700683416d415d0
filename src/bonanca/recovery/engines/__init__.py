"""Kinds of backups: each engine knows how to bring its own back. Importing the package registers them."""

from bonanca.recovery.engines import logical

__all__ = ["logical"]
