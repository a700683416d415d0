"""Remember that a gateway's counters could not be read: not seeing is not the same as calm."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from bonanca.signals.models import ScrapeGap, SliSource


@transaction.atomic
def record_scrape_failure(*, gateway: str, error: str, now: datetime) -> int:
    """Count a failed look; return how many failed in a row. The gap ends with the next look that works."""
    SliSource.objects.bulk_create([SliSource(gateway=gateway)], ignore_conflicts=True)
    source = SliSource.objects.select_for_update().get(gateway=gateway)
    if source.failing_since is None:
        ScrapeGap.objects.bulk_create(
            [ScrapeGap(gateway=gateway, started_at=source.scraped_at or now, error=error[:2000])],
            ignore_conflicts=True,
        )
    SliSource.objects.filter(id=source.id).update(
        failures=F("failures") + 1, failing_since=source.failing_since or now, last_error=error[:2000]
    )
    return source.failures + 1
