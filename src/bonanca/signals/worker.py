"""What this room does by itself: look at the counters, ask the objectives, end what fell silent, tidy up."""

from __future__ import annotations

from datetime import datetime

from bonanca.kernel.database import retrying
from bonanca.outbox.periodic import periodic
from bonanca.signals.gateway_source import ScrapeFailed, scrape
from bonanca.signals.objectives import gateways
from bonanca.signals.operations.evaluate_objectives import evaluate_objectives
from bonanca.signals.operations.expire_alerts import expire_alerts
from bonanca.signals.operations.record_scrape import record_scrape
from bonanca.signals.operations.record_scrape_failure import record_scrape_failure
from bonanca.signals.operations.sweep_samples import sweep_samples


@periodic("signals.scrape", every_s=1.0)
def scrape_gateways(now: datetime) -> None:
    """Read the counters of every gateway; one that fails is remembered as not seen, and does not hold up the others."""
    for gateway in gateways():
        try:
            seen = scrape(gateway)
        except ScrapeFailed as failure:
            retrying(record_scrape_failure)(gateway=gateway, error=str(failure), now=now)
            continue
        # The transaction may be tried again: a look that was recorded already is dropped by its time.
        retrying(record_scrape)(
            gateway=gateway,
            readings=seen.readings,
            process_started_at=seen.process_started_at,
            # The reading belongs to the moment it was taken, not to the start of the round.
            now=seen.taken_at,
        )


@periodic("signals.evaluate", every_s=1.0)
def evaluate(now: datetime) -> None:
    """Fire and resolve burn-rate alerts."""
    retrying(evaluate_objectives)(now=now)


@periodic("signals.expire", every_s=5.0)
def expire(now: datetime) -> None:
    """Resolve alerts whose senders fell silent."""
    retrying(expire_alerts)(now=now)


@periodic("signals.sweep", every_s=60.0)
def sweep(now: datetime) -> None:
    """Fold old seconds into minutes, remove what no window reaches."""
    retrying(sweep_samples)(now=now)
