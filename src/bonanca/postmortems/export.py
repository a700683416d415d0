"""A post-mortem as files: Markdown, and its chart beside it."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone, translation

from bonanca.kernel.errors import Invalid, Unavailable
from bonanca.postmortems.charting import chart_of
from bonanca.postmortems.drafting import CHART_NAME, draft, file_name
from bonanca.postmortems.queries import by_number, evidence_of

LOCALES = ("pt-br", "en")


def export_postmortem(number: int, *, folder: Path, locale: str, time_zone: str) -> tuple[Path, ...]:
    """Write the post-mortem of INC-`number` into the folder and return the files.

    Raises:
        NotFound: there is none.
        Invalid: the language or time zone is unknown; `field` says which.
        Unavailable: the folder cannot be written.
    """
    if locale.lower() not in LOCALES:
        raise Invalid(f"the language must be one of {', '.join(LOCALES)} (got {locale})", field="lang")
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones
        raise Invalid(f"there is no time zone {time_zone}", field="zone") from None
    evidence = evidence_of(by_number(number).id)
    text = draft(evidence, locale=locale.lower(), time_zone=time_zone)
    with translation.override(locale.lower()), timezone.override(zone):
        chart = chart_of(evidence)
        document = folder / file_name(evidence, evidence.started_at)
        drawing = "" if chart.empty else chart.svg
    try:
        folder.mkdir(parents=True, exist_ok=True)
        picture = document.with_suffix(".svg")
        # Documents of one folder each keep a picture of their own.
        document.write_text(text.replace(f"]({CHART_NAME})", f"]({picture.name})"), encoding="utf-8")
        if drawing:
            picture.write_text(drawing, encoding="utf-8")
    except OSError as problem:
        raise Unavailable(f"{folder}: {problem.strerror or problem}") from problem
    return (document, picture) if drawing else (document,)
