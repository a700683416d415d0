"""Take the agent's word for what is live."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.actuators.gateway.models import Directive, Gateway
from bonanca.actuators.gateway.wire import Applied, slug_fault, utc
from bonanca.kernel.errors import Invalid


class InvalidReport(Invalid):
    """A report that no agent of ours sends."""


@transaction.atomic
def report_applied(report: Applied, *, now: datetime) -> None:
    """Keep which version a gateway has live, since when, and where it is; also its sign of life.

    A directive's `applied_at` is set by the first report of a version that holds it.

    Raises:
        InvalidReport: a name that is no slug, an address that is not http(s), a time without zone.
    """
    if fault := slug_fault(report.gateway):
        raise InvalidReport(_("Report refused: %(fault)s") % {"fault": fault}, field="gateway")
    for field, url in (("entry_url", report.entry_url), ("metrics_url", report.metrics_url)):
        if urlsplit(url).scheme not in ("http", "https") or len(url) > 300:
            raise InvalidReport(_("%(field)s must be an http address.") % {"field": field}, field=field)
    if report.applied_at.tzinfo is None:
        raise InvalidReport(_("applied_at needs a time zone."), field="applied_at")
    Gateway.objects.update_or_create(
        name=report.gateway,
        defaults={
            "applied_version": report.version,
            "applied_at": utc(report.applied_at),
            "reported_at": now,
            "entry_url": report.entry_url,
            "metrics_url": report.metrics_url,
            "host": report.host[:253],
            "pid": report.pid,
            "refused": report.refused[:500],
        },
    )
    Directive.objects.filter(
        gateway=report.gateway, version__lte=report.version, applied_at__isnull=True, lifted_at__isnull=True
    ).update(applied_at=utc(report.applied_at))
