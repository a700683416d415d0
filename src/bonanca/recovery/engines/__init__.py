"""Kinds of backups behind one door: how one is taken, what would refuse a restore, and how it is opened again."""

from bonanca.recovery.engines.base import (
    OUTSIDE,
    TARGETS,
    Archive,
    Engine,
    Opening,
    OutsideEngine,
    Scratch,
    SealingEngine,
    TakenOutside,
    Target,
    engine_named,
    outside_named,
    sealing_named,
)

__all__ = [
    "OUTSIDE",
    "TARGETS",
    "Archive",
    "Engine",
    "Opening",
    "OutsideEngine",
    "Scratch",
    "SealingEngine",
    "TakenOutside",
    "Target",
    "engine_named",
    "outside_named",
    "sealing_named",
]
