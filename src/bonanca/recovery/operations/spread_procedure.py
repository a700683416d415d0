"""Write the resume-everything procedure beside the backups, so that it can be read when Bonança itself is gone."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import translation

from bonanca.recovery import own
from bonanca.recovery.models import ProcedureCopy
from bonanca.recovery.places import ReplicaProblem
from bonanca.recovery.places.leaving import leave
from bonanca.recovery.procedure_text import markdown
from bonanca.recovery.queries.procedure import FILE_NAME, procedure, procedure_places

RETRY_AFTER = timedelta(minutes=10)


def spread_procedure(*, now: datetime) -> list[str]:
    """Write it into each place where it is not as it should be; returns a line for each that did not take it.

    It changes with the catalog, with each good backup and with each drill that measures another time.
    """
    found = procedure(now)
    written = {copy.place: copy for copy in ProcedureCopy.objects.all()}
    due = [
        place
        for place in procedure_places()
        if (copy := written.get(place)) is None
        or (copy.digest != found.digest and (not copy.error or now - copy.tried_at >= RETRY_AFTER))
    ]
    if not due:
        return []
    with translation.override(settings.LANGUAGE_CODE):
        text = markdown(found)
    problems = []
    folder = own.working_folder()
    try:
        file = folder / FILE_NAME
        file.write_text(text, encoding="utf-8")
        for place in due:
            error = _leave(place, file)
            problems += [error] if error else []
            changes = {"tried_at": now, "error": error}
            if not error:
                changes |= {"digest": found.digest, "written_at": now}
            ProcedureCopy.objects.update_or_create(place=place, defaults=changes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return problems


def _leave(place: str, file: Path) -> str:
    try:
        leave(place, file, FILE_NAME)
    except ReplicaProblem as problem:
        return problem.message
    return ""
