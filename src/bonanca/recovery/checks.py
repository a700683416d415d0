"""What restored data must answer."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from bonanca.catalog.spec import ServiceView
from bonanca.recovery.scratch import Check


def checks_of(service: ServiceView) -> Sequence[Check]:
    """What a restored copy must answer: the backup's own checks, and the service's SQL checks."""
    declared = [
        Check(_("backup check %(number)d") % {"number": number}, check.sql, check.equals, check.at_least)
        for number, check in enumerate(service.backup.checks if service.backup else (), start=1)
    ]
    from_verify = [Check(c.name, c.sql, c.equals, c.at_least) for c in service.verify if c.sql is not None]
    return [*declared, *from_verify]
