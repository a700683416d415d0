"""Compile a restore: check, load into a database of its own, compare, and only then give it the name it is to have."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop

from bonanca.catalog.spec import ServiceView
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.recovery.state import RestoreMode, RestorePart
from bonanca.running import parts
from bonanca.running.privacy import check_step, reapply_step, review_step
from bonanca.running.times import with_expected_times
from bonanca.ui.phrases import Phrase

KIND = "restore"
BESIDE = gettext_noop("Restore %(service)s into the database %(database)s")
SWAP = gettext_noop("Restore %(service)s and put it in the place of %(database)s")

FILES_BESIDE = gettext_noop("Restore files of %(service)s into %(folder)s")
FILES_SWAP = gettext_noop("Restore files of %(service)s and put them in the place of those that are there")
ALL_BESIDE = gettext_noop("Restore %(service)s into the database %(database)s and its files into %(folder)s")
ALL_SWAP = gettext_noop("Restore %(service)s and its files and put all in place of %(database)s")
_TITLES = {
    RestorePart.DATABASE: (BESIDE, SWAP),
    RestorePart.FILES: (FILES_BESIDE, FILES_SWAP),
    RestorePart.EVERYTHING: (ALL_BESIDE, ALL_SWAP),
}

PREFLIGHT = gettext_noop("Check that nothing stands in the way")
LOAD = gettext_noop("Restore into a new database")
CHECK = gettext_noop("Compare rows and run the service's checks")
FILES_LOAD = gettext_noop("Write the files beside, and compare every one")
FILES_PUT = gettext_noop("Put the files in place, keep what was there")
FILES_NAME = gettext_noop("Give the folder of the files its name")
MAINTENANCE = gettext_noop("Show the maintenance page")
STOP = gettext_noop("Let running work finish and stop")
PLACE = gettext_noop("Give the restored database its name")
PUT = gettext_noop("Put the restored database in place, keep the replaced one")
RESTART = gettext_noop("Start again")
VERIFY = gettext_noop("Check from outside that it works")
OPEN = gettext_noop("Let requests through again")

LOAD_TIMEOUT_S = 12 * 3600.0
GUESS_S = {
    "recovery.restore_preflight": 1.0,
    "recovery.restore_load": 10.0,
    "recovery.restore_check": 2.0,
    "recovery.restore_place": 0.5,
    "recovery.files_load": 10.0,
    "recovery.files_place": 0.5,
}


def _of_data(part: RestorePart, step: StepSpec | None) -> StepSpec | None:
    """A step that has something to do only where the database comes back."""
    return None if part is RestorePart.FILES else step


def compile_restore(service: ServiceView, *, mode: RestoreMode, database: str, params: dict[str, Any]) -> PlanSpec:
    """Return the frozen plan. `params` goes to every step of this room (which backup, to where, under what name).

    In a swap the service stops under the maintenance page where it declares how it runs; where it does not, the swap
    ends its sessions and it reconnects. Everything slow is done before, while it still runs.
    """
    swap, part = mode is RestoreMode.SWAP, RestorePart(params.get("part", RestorePart.DATABASE))
    steps: list[StepSpec | None] = [
        StepSpec("preflight", "recovery.restore_preflight", params, PREFLIGHT, timeout_s=300)
    ]
    place: list[StepSpec] = []
    if part is not RestorePart.FILES:
        steps += [
            StepSpec("load", "recovery.restore_load", params, LOAD, timeout_s=LOAD_TIMEOUT_S),
            StepSpec("check", "recovery.restore_check", params, CHECK, timeout_s=3600),
            review_step(service, database=database),
        ]
        place.append(StepSpec("place", "recovery.restore_place", params, PUT if swap else PLACE, timeout_s=300))
    if part is not RestorePart.DATABASE:
        steps.append(StepSpec("files_load", "recovery.files_load", params, FILES_LOAD, timeout_s=LOAD_TIMEOUT_S))
        named = FILES_PUT if swap else FILES_NAME
        place.append(StepSpec("files_place", "recovery.files_place", params, named, timeout_s=300))
    if not swap:
        steps += [_of_data(part, reapply_step(service, database=database)), *place]
        steps.append(_of_data(part, check_step(service, database=database)))
    else:
        running = parts.runs(service)
        steps += [
            parts.close(service, MAINTENANCE),
            parts.stop(service, STOP) if running else None,
            _of_data(part, reapply_step(service)),
            *place,
            parts.restart(service, RESTART) if running else None,
            parts.verify(service, VERIFY),
            _of_data(part, check_step(service)),
            parts.reopen(service, OPEN),
        ]
    facts = {"service": service.name, "database": database, "folder": params.get("folder", "")}
    title = Phrase(_TITLES[part][swap], facts)
    subject = f"service:{service.slug}"
    found = tuple(step for step in steps if step is not None)
    context = {"team": service.team_slug, "restore_id": params["restore_id"]}
    return with_expected_times(PlanSpec(KIND, subject, title, found, context), GUESS_S)
