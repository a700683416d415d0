"""A post-mortem as files: Markdown, and its charts beside it."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone, translation

from bonanca.kernel.errors import Invalid, Unavailable
from bonanca.postmortems.charting import budget_chart_of, chart_of
from bonanca.postmortems.drafting import BUDGET_CHART_NAME, CHART_NAME, draft, file_name
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
        document = folder / file_name(evidence, evidence.started_at)
        charts = {CHART_NAME: chart_of(evidence), BUDGET_CHART_NAME: budget_chart_of(evidence)}
        drawings = {name: chart.svg for name, chart in charts.items() if chart is not None and not chart.empty}
    # Documents of one folder each keep pictures of their own.
    pictures = {name: document.with_name(f"{document.stem}-{name}") for name in drawings}
    for name, picture in pictures.items():
        text = text.replace(f"]({name})", f"]({picture.name})")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        document.write_text(text, encoding="utf-8")
        for name, picture in pictures.items():
            picture.write_text(drawings[name], encoding="utf-8")
    except OSError as problem:
        raise Unavailable(f"{folder}: {problem.strerror or problem}") from problem
    return (document, *pictures.values())
