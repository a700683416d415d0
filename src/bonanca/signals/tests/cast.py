"""What the tests of this room share: a declared shop with one objective, and counters moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bonanca.catalog.spec import BurnAlert, GatewaySpec, RouteSpec, ServiceView, SloSource, SloSpec
from bonanca.signals.counters import CounterReading
from bonanca.signals.operations.record_scrape import record_scrape

T0 = datetime(2026, 3, 1, 12, 0, 0, 200_000, tzinfo=UTC)

SHOP = ServiceView(
    slug="loja-api",
    name="Loja",
    team_slug="loja",
    gateway=GatewaySpec("default", (RouteSpec("/"),)),
    slos=(
        SloSpec(
            slug="loja-availability",
            name="Loja responde",
            objective=99.0,
            window_s=1800,
            source=SloSource("gateway", "default", "loja-api"),
            alerts=(BurnAlert("critical", 10, 30, 5), BurnAlert("high", 3, 120, 15)),
        ),
    ),
)
BARE = ServiceView(slug="estoque", name="Estoque", team_slug="estoque")


class Counters:
    """The shop's counters at the gateway `default`, scraped once a second."""

    def __init__(self) -> None:
        self.at = T0
        self.started = 1_000.0
        self.good = self.failed = self.contained = 0

    def scrape(self) -> None:
        series = {"svc 2xx GET": self.good, "svc 5xx GET": self.failed, "contain 5xx GET": self.contained}
        outcome = {"svc 2xx GET": "good", "svc 5xx GET": "failed", "contain 5xx GET": "contained"}
        record_scrape(
            gateway="default",
            readings={"loja-api": CounterReading(series, outcome, self.started)},
            process_started_at=self.started,
            now=self.at,
        )

    def run(
        self,
        seconds: int,
        *,
        good: int = 10,
        failed: int = 0,
        contained: int = 0,
        each: Callable[[datetime], object] | None = None,
    ) -> datetime:
        """Let time pass: so many requests in every second, a scrape at the end of each."""
        for _ in range(seconds):
            self.at += timedelta(seconds=1)
            self.good, self.failed = self.good + good, self.failed + failed
            self.contained += contained
            self.scrape()
            if each is not None:
                each(self.at)
        return self.at

    def skip(self, seconds: int, *, good: int = 10) -> datetime:
        """Let a calm time pass in one step: the scrape after it spreads what happened."""
        self.at += timedelta(seconds=seconds)
        self.good += seconds * good
        self.scrape()
        return self.at

    def restart(self) -> None:
        """The gateway's process starts again: its counters are zero."""
        self.started += 500
        self.good = self.failed = self.contained = 0
