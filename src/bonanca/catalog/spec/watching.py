"""How closely a service is watched after a rollback or an incident."""

from dataclasses import dataclass

HOURS_MOST = 24.0 * 30


@dataclass(frozen=True)
class ReinforcedWatchSpec:
    """For `for_h` hours thresholds are tighter: burn rates times `tighten`, windows times `shorten` (both 0 to 1).

    `after` are the severities of incidents that ask for it when they are resolved; `failures` is how many looks in a
    row a check from outside has to fail; `traffic_percent` is how much of the usual requests has to come at least.
    """

    for_h: float = 24.0
    tighten: float = 0.5
    shorten: float = 0.5
    after: tuple[str, ...] = ("critical", "high")
    failures: int = 2
    traffic_percent: float = 20.0

    def hours_after(self, severity: str) -> float:
        """Hours that an incident of this severity asks for when nobody says otherwise; 0 for none."""
        return self.for_h if severity in self.after else 0.0
