"""Kinds of backups behind one door: how one is taken, what would refuse a restore, and how it is opened again."""

from bonanca.recovery.engines.base import TARGETS, Archive, Engine, Opening, Scratch, Target, engine_named

__all__ = ["TARGETS", "Archive", "Engine", "Opening", "Scratch", "Target", "engine_named"]
