"""How often a backup is restored for proof, and within what it must hold."""

from dataclasses import dataclass

PICKS = ("newest", "random")


@dataclass(frozen=True)
class DrillSpec:
    """Drills on a schedule: hours between them, which backup, and the objectives in seconds (None: not declared).

    `rpo_s`: the most that may be lost, as time without a good backup. `rto_s`: from the first byte fetched to a
    database that answers.
    """

    every_h: float = 24.0
    pick: str = "newest"
    rpo_s: float | None = None
    rto_s: float | None = None
