"""Read what people do while a service is away."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import CONTINGENCY_KINDS, ContingencySpec, ServiceView

STEP_LENGTH = 500
STEPS_AT_MOST = 50


def read_contingency(reader: Reader) -> ContingencySpec:
    """One way to go on; all but the numbers is required."""
    slug = reader.slug("slug", required=True)
    reader.what = _("contingency '%(slug)s'") % {"slug": slug or "?"}
    return ContingencySpec(
        slug=slug,
        name=reader.text("name", slug, limit=100),
        kind=reader.choice("kind", CONTINGENCY_KINDS, "manual"),
        when=reader.text("when", required=True, limit=STEP_LENGTH),
        who=reader.text("who", required=True, limit=200),
        begin=_steps(reader, "begin"),
        end=_steps(reader, "end"),
        exercise_every_days=reader.number("exercise_every_days", 90.0, above=True, maximum=3660),
        max_h=reader.number("max_h", 1.0, above=True, maximum=24 * 366) if reader.take("max_h") is not None else None,
    )


def contingencies_fit(reader: Reader, service: ServiceView) -> None:
    """Note names that are used twice."""
    slugs = [one.slug for one in service.contingencies]
    place = reader.entries.get("contingencies", reader.node)
    for slug in sorted({slug for slug in slugs if slug and slugs.count(slug) > 1}):
        message = _("%(what)s: two contingencies are named '%(slug)s'")
        reader.wrong(place, message % {"what": reader.what, "slug": slug})


def _steps(reader: Reader, key: str) -> tuple[str, ...]:
    steps = reader.words(key, required=True)
    if (steps and len(steps) > STEPS_AT_MOST) or any(len(one) > STEP_LENGTH or not one.strip() for one in steps):
        expected = _("1 to %(count)d steps of at most %(limit)d characters")
        reader.bad(reader.entries[key], key, expected % {"count": STEPS_AT_MOST, "limit": STEP_LENGTH})
    elif not steps and key in reader.entries:
        reader.bad(reader.entries[key], key, _("at least one step"))
    return steps
