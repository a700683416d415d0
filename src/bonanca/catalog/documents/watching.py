"""Read `watch`: the closer look after a rollback or an incident."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import HOURS_MOST, SEVERITIES, ReinforcedWatchSpec


def read_watch(reader: Reader) -> ReinforcedWatchSpec:
    """The declared watch; everything has a default."""
    usual = ReinforcedWatchSpec()
    return ReinforcedWatchSpec(
        for_h=reader.number("for_h", usual.for_h, above=True, maximum=HOURS_MOST),
        tighten=reader.number("tighten", usual.tighten, above=True, maximum=1),
        shorten=reader.number("shorten", usual.shorten, above=True, maximum=1),
        after=_severities(reader),
        failures=reader.integer("failures", usual.failures, minimum=1, maximum=60),
        traffic_percent=reader.number("traffic_percent", usual.traffic_percent, maximum=100),
    )


def _severities(reader: Reader) -> tuple[str, ...]:
    if reader.take("after") is None:
        return ReinforcedWatchSpec.after
    found = []
    for node in reader.items("after"):
        word = str(node.value).lower() if isinstance(node.value, str) else ""
        if word in SEVERITIES:
            found.append(word)
        else:
            reader.bad(node, "after", _("one of %(choices)s") % {"choices": ", ".join(SEVERITIES)})
    return tuple(dict.fromkeys(found))
