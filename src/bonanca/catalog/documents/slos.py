"""Read service level objectives in our own short form."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import SEVERITIES, BurnAlert, SloSource, SloSpec

DAY_S = 86_400.0
MAX_WINDOW_S = 400 * DAY_S


def read_slo(reader: Reader, service: str) -> SloSpec:
    """An SLO of `service`; without alerts it gets the SRE Workbook's, scaled to its window."""
    slug = reader.slug("slug", required=True)
    reader.what = _("slo '%(slug)s'") % {"slug": slug or "?"}
    objective = reader.number("objective", 99.0, minimum=-1e12, required=True)
    check_objective(reader, "objective", objective)
    window_s = reader.number("window_s", 30 * DAY_S, above=True, maximum=MAX_WINDOW_S)
    source = reader.one("source", lambda source: _source(source, service))
    alerts = reader.each("alerts", lambda alert: _alert(alert, window_s), _("an alert"))
    return SloSpec(
        slug=slug,
        name=reader.text("name", slug, limit=200),
        description=reader.text("description", limit=5000),
        objective=objective,
        window_s=window_s,
        source=source or SloSource(kind="gateway", gateway="default", service=service),
        alerts=alerts or default_alerts(window_s),
    )


def check_objective(reader: Reader, key: str, objective: float) -> None:
    """Note an objective (percent) that leaves no budget, or that nothing could miss."""
    line = reader.entries.get(key, reader.node)
    if objective >= 100:
        reader.wrong(
            line,
            _("%(what)s: objective must be below 100 (got %(got)g)") % {"what": reader.what, "got": objective},
            _("an SLO of 100 %% leaves no error budget") % {},
        )
    elif objective <= 0:
        reader.wrong(
            line,
            _("%(what)s: objective must be above 0 (got %(got)g)") % {"what": reader.what, "got": objective},
            _("the percentage of good events, such as 99.9"),
        )
    elif objective < 1:
        reader.wrong(
            line,
            _("%(what)s: objective is a percentage (got %(got)g)") % {"what": reader.what, "got": objective},
            _("%(percent)g if you meant this share of good events") % {"percent": objective * 100},
        )


def default_alerts(window_s: float) -> tuple[BurnAlert, ...]:
    """2 % of the budget within 1/720 of the window is critical, 5 % within 1/120 high (SRE Workbook, table 5-6)."""
    return (
        BurnAlert("critical", 14.4, window_s / 720, window_s / 8640),
        BurnAlert("high", 6.0, window_s / 120, window_s / 1440),
    )


def _source(reader: Reader, service: str) -> SloSource:
    return SloSource(
        kind="gateway",
        gateway=reader.slug("gateway") or "default",
        service=reader.slug("service") or service,
    )


def _alert(reader: Reader, window_s: float) -> BurnAlert:
    alert = BurnAlert(
        severity=reader.choice("severity", SEVERITIES, "critical"),
        burn_rate=reader.number("burn_rate", 14.4, above=True, maximum=1e6, required=True),
        long_s=reader.number("long_s", 3600, above=True, maximum=MAX_WINDOW_S, required=True),
        short_s=reader.number("short_s", 300, above=True, maximum=MAX_WINDOW_S, required=True),
    )
    if alert.short_s >= alert.long_s:
        reader.wrong(
            reader.entries.get("short_s", reader.node),
            _("%(what)s: short_s must be smaller than long_s (got %(short)g and %(long)g)")
            % {"what": reader.what, "short": alert.short_s, "long": alert.long_s},
        )
    if alert.long_s > window_s:
        reader.wrong(
            reader.entries.get("long_s", reader.node),
            _("%(what)s: long_s must fit into the window (got %(long)g of %(window)g)")
            % {"what": reader.what, "long": alert.long_s, "window": window_s},
        )
    return alert
