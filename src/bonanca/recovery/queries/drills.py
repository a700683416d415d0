"""Reading drills."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.kernel.errors import NotFound
from bonanca.recovery.models import Drill
from bonanca.recovery.state import DrillState
from bonanca.recovery.views import (
    DrillView,
)


class DrillNotFound(NotFound):
    """There is no such drill."""


def get_drill(drill_id: UUID) -> DrillView:
    """Raises DrillNotFound."""
    drill = Drill.objects.select_related("backup").filter(pk=drill_id).first()
    if drill is None:
        raise DrillNotFound(_("There is no drill %(id)s.") % {"id": drill_id})
    return drill_view(drill, drill.backup.service)


def passed_drill_by_key(key: str) -> DrillView | None:
    """The drill that a plan's step passed under its key."""
    drill = Drill.objects.select_related("backup").filter(key=key, state=DrillState.PASSED).exclude(key="").first()
    return None if drill is None else drill_view(drill, drill.backup.service)


def drill_view(row: Drill, service: str) -> DrillView:
    return DrillView(
        id=row.id,
        backup_id=row.backup_id,
        service=service,
        state=DrillState(row.state),
        run_by=row.run_by,
        started_at=row.started_at,
        finished_at=row.finished_at,
        restore_seconds=row.restore_seconds,
        age_seconds=row.age_seconds,
        evidence=row.evidence,
        error=row.error,
    )
