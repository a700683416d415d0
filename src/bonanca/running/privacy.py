"""The steps of any plan that brings data back: what it asks people, and what it takes away again (requirement D7)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop

from bonanca.catalog.spec import ServiceView
from bonanca.durable.plan import StepSpec

REVIEW = gettext_noop("Have people look at what the data brings back")
ERASE = gettext_noop("Erase again who was erased, revoke again what was revoked")
CHECK = gettext_noop("See that nobody who was erased is back")


def review_step(service: ServiceView, **params: Any) -> StepSpec | None:
    """Ask before anything is interrupted: once the data is loaded, and while the service still runs."""
    return _step(service, "review", "recovery.review", REVIEW, params, 900)


def reapply_step(service: ServiceView, **params: Any) -> StepSpec | None:
    """While nothing writes, before the loaded data gets the service's name."""
    return _step(service, "erasures", "recovery.reapply_erasures", ERASE, params, 3600)


def check_step(service: ServiceView, **params: Any) -> StepSpec | None:
    """When the data is in place and rows were applied again, before visitors come in."""
    return _step(service, "erased", "recovery.check_erasures", CHECK, params, 3600)


def _step(
    service: ServiceView, key: str, kind: str, title: str, params: dict[str, Any], timeout_s: float
) -> StepSpec | None:
    """None: the service declares no `privacy`, or has no data."""
    if service.privacy is None or service.database is None:
        return None
    return StepSpec(key, kind, {"service": service.slug, **params}, title, timeout_s=timeout_s)
