"""Words and figures of this room's pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from bonanca.recovery.views import DrillView


@dataclass(frozen=True)
class Phase:
    """One part of a restore: its name, seconds, and its share of the whole in percent."""

    name: str
    seconds: float
    share: float


def phases_of(drill: DrillView) -> tuple[Phase, ...]:
    """The parts of a drill in their order; the reading of the first intact place comes first."""
    seconds: dict[str, float] = dict(drill.evidence.get("seconds", {}))
    fetched = [place["seconds"] for place in drill.evidence.get("replicas", []) if "seconds" in place][:1]
    parts = [("fetch", fetched[0])] if fetched else []
    # JSON in the database keeps no order.
    order = list(_phase_words())
    parts += sorted(seconds.items(), key=lambda part: order.index(part[0]) if part[0] in order else len(order))
    whole = sum(value for _name, value in parts) or 1.0
    return tuple(Phase(_phase_words().get(name, name), value, 100 * value / whole) for name, value in parts)


def _phase_words() -> dict[str, str]:
    return {
        "fetch": _("read from a place"),
        "open": _("decrypted"),
        "files": _("files written"),
        "server": _("scratch server started"),
        "restore": _("restored"),
        "check": _("checked"),
    }
