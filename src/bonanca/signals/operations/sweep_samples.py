"""Keep the SLO counters small: seconds become minutes, minutes end with the longest window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from bonanca.signals.models import ScrapeGap, SliSample
from bonanca.signals.objectives import all_objectives

SECONDS_FOR = timedelta(hours=6)
"""How long single seconds are kept: long enough for an incident to be looked at, second by second."""

AT_LEAST = timedelta(days=35)
"""Minutes live at least this long: two SLO windows of the usual 30 days would be cut otherwise."""

COMPACT = """
WITH old AS (
    DELETE FROM signals_slisample WHERE width_s = 1 AND at < %s
    RETURNING gateway, service, date_trunc('minute', at, 'UTC') AS minute, good, failed, contained
)
INSERT INTO signals_slisample (gateway, service, at, width_s, good, failed, contained)
SELECT gateway, service, minute, 60, sum(good), sum(failed), sum(contained) FROM old GROUP BY 1, 2, 3
ON CONFLICT (gateway, service, at, width_s) DO UPDATE SET
    good = signals_slisample.good + excluded.good,
    failed = signals_slisample.failed + excluded.failed,
    contained = signals_slisample.contained + excluded.contained
"""


@dataclass(frozen=True)
class Swept:
    """Rows made smaller and rows removed."""

    compacted: int
    removed: int


@transaction.atomic
def sweep_samples(*, now: datetime) -> Swept:
    """Fold seconds older than `SECONDS_FOR` into minutes and remove what no window can reach. No request is lost."""
    border = (now - SECONDS_FOR).replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(COMPACT, [border])
        compacted = cursor.rowcount
    longest = max((one.window_s for one in all_objectives()), default=0)
    horizon = now - max(AT_LEAST, timedelta(seconds=longest) + timedelta(days=5))
    removed, _kinds = SliSample.objects.filter(at__lt=horizon).delete()
    ScrapeGap.objects.filter(ended_at__lt=horizon).delete()
    return Swept(compacted, removed)
