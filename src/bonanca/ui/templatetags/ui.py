"""`{% load ui %}`: the components, filters and panels that pages are made of. tests/test_components.py shows each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.forms import BaseForm, BoundField
from django.http import HttpRequest
from django.template.context import RequestContext
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from bonanca.kernel.clock import utc_now
from bonanca.ui import components, formats, navigation
from bonanca.ui.panels import render_panel

register = template.Library()


# --- filters ---------------------------------------------------------------------------------------------------------


@register.filter(is_safe=True)
def moment(at: datetime | None) -> SafeString:
    """`{{ dt|moment }}` → <time>há 4 min</time>, exact time and zone on hover and for screen readers."""
    if at is None:
        return mark_safe('<span class="soft">—</span>')
    exact = formats.exact_text(at)
    return format_html(
        '<time datetime="{}" title="{}" data-moment><span>{}</span><span class="visually-hidden"> ({})</span></time>',
        formats.iso_text(at),
        exact,
        formats.unbroken(formats.moment_text(at, utc_now())),
        exact,
    )


@register.filter(is_safe=True)
def elapsed(at: datetime | None, until: datetime | None = None) -> SafeString:
    """`{{ started|elapsed }}` → how long since then, counting; `{{ started|elapsed:ended }}` → between the two."""
    if at is None:
        return mark_safe('<span class="soft">—</span>')
    seconds = max(0, round(((until or utc_now()) - at).total_seconds()))
    text = formats.unbroken(formats.duration_text(seconds))
    if until is not None:
        return format_html('<time datetime="PT{}S">{}</time>', seconds, text)
    return format_html('<time datetime="PT{}S" data-elapsed="{}">{}</time>', seconds, formats.iso_text(at), text)


@register.filter(is_safe=True)
def clock(at: datetime | None) -> SafeString:
    """`{{ dt|clock }}` → <time>14:36:27</time> in the person's zone."""
    if at is None:
        return mark_safe('<span class="soft">—</span>')
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        formats.iso_text(at),
        formats.exact_text(at),
        formats.clock_text(at),
    )


@register.filter(is_safe=True)
def exact(at: datetime | None) -> SafeString:
    """`{{ dt|exact }}` → <time>12 mar. 2026, 14:36:27 UTC−03:00</time>."""
    if at is None:
        return mark_safe('<span class="soft">—</span>')
    return format_html('<time class="exact" datetime="{}">{}</time>', formats.iso_text(at), formats.exact_text(at))


@register.filter
def who(label: str | None) -> str:
    """`{{ plan.approved_by|who }}` → ana@loja.example; the kind of actor is for the audit."""
    return formats.who_text(label or "")


@register.filter
def duration(value: Any) -> str:
    """`{{ seconds|duration }}` → 4 min 12 s."""
    return "—" if value in (None, "") else formats.unbroken(formats.duration_text(value))


@register.filter
def percent(value: Any, decimals: int = 0) -> str:
    """`{{ 7.4|percent:1 }}` → 7,4 %. The value is already in percent; `ratio` takes a share of 1."""
    return "—" if value in (None, "") else formats.unbroken(formats.percent_text(float(value), decimals))


@register.filter
def ratio(value: Any, decimals: int = 0) -> str:
    """`{{ 0.31|ratio }}` → 31 %."""
    return "—" if value in (None, "") else percent(float(value) * 100, decimals)


@register.filter
def number(value: Any, decimals: int = 0) -> str:
    """`{{ 12345|number }}` → 12.345."""
    return "—" if value in (None, "") else formats.number_text(float(value), decimals)


@register.filter
def size(value: Any) -> str:
    """`{{ bytes|size }}` → 1,2 MB."""
    return "—" if value in (None, "") else formats.unbroken(formats.bytes_text(int(value)))


@register.filter
def tone(state: str) -> str:
    """`{{ run.state|tone }}` → burning, risk, calm, accent or unknown."""
    return components.tone_of(state)


# --- the frame -------------------------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def chrome(context: RequestContext) -> dict[str, Any]:
    """`{% chrome as frame %}`: navigation, theme and the addresses of the frame's forms."""
    request: HttpRequest | None = context.get("request")
    return {
        "nav": navigation.entries(request) if request else [],
        "theme": navigation.theme(request) if request else None,
        "language_url": navigation.address("access:set_language", "set_language") or "/language/",
        "logout_url": navigation.address("access:logout", "account_logout", "logout") or "/logout/",
        "path": request.get_full_path() if request else "/",
        # For the script that keeps times counting: the words of formats.moment_text.
        "ago": gettext("%(amount)s ago"),
        "ahead": gettext("in %(amount)s"),
        "now": gettext("now"),
    }


@register.simple_tag(takes_context=True)
def panel(context: RequestContext, panel_name: str, **kwargs: object) -> SafeString:
    """`{% panel "signals:chart" service=slug %}`: another room's part of this page."""
    request = context.get("request")
    if request is None:
        return mark_safe("")
    return render_panel(panel_name, request, **kwargs)


@register.simple_tag(takes_context=True)
def live(context: RequestContext, fragment: str, every: float = 2) -> SafeString:
    """`<div {% live "status" every=2 %}>`: refresh this element from the partial of the same name (bonanca.ui.live)."""
    request = context.get("request")
    path = request.get_full_path() if request else ""
    return format_html(
        'id="{}" hx-get="{}" hx-trigger="every {}s" hx-target="this" hx-swap="innerHTML" data-live',
        fragment,
        path,
        every,
    )


# --- components ------------------------------------------------------------------------------------------------------


@register.simple_tag
def badge(label: str, tone: str = "unknown", href: str = "", plain: bool = False) -> SafeString:
    """`{% badge _("contained") tone="risk" %}`: a word with the shape and colour of its meaning."""
    classes = f"badge tone--{components.checked_tone(tone)}{' badge--plain' if plain else ''}"
    if href:
        return format_html('<a class="{}" href="{}">{}</a>', classes, href, label)
    return format_html('<span class="{}">{}</span>', classes, label)


@register.simple_tag
def state_badge(state: str, label: str = "") -> SafeString:
    """`{% state_badge change.state change.state_label %}`: the tone follows from the state's value."""
    return badge(label or str(state), components.tone_of(state))


@register.simple_tag
def severity(value: str) -> SafeString:
    """`{% severity incident.severity %}` → ▲ SEV1 crítico."""
    shown = components.severity_badge(value)
    solid = " badge--solid" if shown.solid else ""
    return format_html('<span class="badge tone--{}{}">{} {}</span>', shown.tone, solid, shown.short, shown.word)


@register.simple_tag
def shape(text: str, tone: str = "unknown") -> SafeString:
    """`{% shape error_text tone="burning" %}` → ▲ 31 %, without a box: for table cells."""
    return format_html('<span class="shape tone--{}">{}</span>', components.checked_tone(tone), text)


@register.simple_block_tag
def card(content: str, title: str = "", tone: str = "", id: str = "", flush: bool = False) -> SafeString:
    """`{% card title=… %}…{% endcard %}`. `flush` for a card that holds a table to its edges."""
    classes = "card" + (f" tone--{components.checked_tone(tone)}" if tone else "") + (" card--flush" if flush else "")
    identity = format_html(' id="{}"', id) if id else ""
    head = format_html('<header class="card__head"><h2 class="card__title">{}</h2></header>', title) if title else ""
    return format_html('<section class="{}"{}>{}{}</section>', classes, identity, head, content)


@register.inclusion_tag("ui/components/meter.html")
def meter(
    value: float | None, label: str = "", tone: str = "accent", word: str = "", decimals: int = 0
) -> dict[str, Any]:
    """`{% meter 41 label=_("Budget left") tone="risk" word=_("Caution") %}`; value in percent, None is unknown."""
    return {"meter": components.meter_view(value, label, components.checked_tone(tone), word, decimals)}


@register.inclusion_tag("ui/components/timeline_row.html")
def timeline_row(
    at: datetime, text: str, actor: str = "", tone: str = "", evidence_url: str = "", note: str = ""
) -> dict[str, Any]:
    """`<ol class="timeline">{% timeline_row at=e.at text=e.text actor=e.actor %}</ol>`; `text` is escaped."""
    return {
        "at": at,
        "text": text,
        "actor": actor,
        "tone": components.checked_tone(tone),
        "evidence_url": evidence_url,
        "note": note,
    }


@register.inclusion_tag("ui/components/steps.html")
def steps(items: Any, label: str = "") -> dict[str, Any]:
    """`{% steps run.steps %}`: a plan's steps; the preview and the progress are the same list."""
    now = utc_now()
    return {"rows": [components.step_row(item, now) for item in items], "label": label}


@register.inclusion_tag("ui/components/empty.html")
def empty(title: str, text: str = "", action: str = "", href: str = "") -> dict[str, Any]:
    """`{% empty title=… text=… action=… href=… %}`: what this place will show and how to begin."""
    return {"title": title, "text": text, "action": action, "href": href}


@register.simple_tag
def facts(*pairs: object, figures: bool = False) -> SafeString:
    """`{% facts _("Since") start|clock _("Users") users %}`: a definition list; `figures=True` for large numbers."""
    if len(pairs) % 2:
        raise ValueError("facts: expected term, value, term, value …")
    rows = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", zip(pairs[::2], pairs[1::2], strict=True))
    if figures:
        return format_html('<dl class="facts facts--figures">{}</dl>', rows)
    flat = format_html_join("", "<dt>{}</dt><dd>{}</dd>", zip(pairs[::2], pairs[1::2], strict=True))
    return format_html('<dl class="facts">{}</dl>', flat)


@register.inclusion_tag("ui/components/action.html")
def action(
    label: str,
    tone: str = "",
    consequence: str = "",
    why_not: str = "",
    name: str = "",
    value: str = "",
    form: str = "",
) -> dict[str, Any]:
    """`{% action label=_("Contain /checkout") tone="danger" consequence=… why_not=… %}`: a submit button that says
    what will happen and to what. With `why_not` it is disabled and gives the reason."""
    if tone not in ("", "primary", "danger", "quiet"):
        raise ValueError(f"action tone {tone!r}: expected primary, danger or quiet")
    return {
        "label": label,
        "tone": tone,
        "consequence": consequence,
        "why_not": why_not,
        "name": name,
        "value": value,
        "form": form,
    }


@register.inclusion_tag("ui/components/error_summary.html")
def error_summary(form: BaseForm) -> dict[str, Any]:
    """`{% error_summary form %}`: every error, listed on top, each a link to its field."""
    problems: list[tuple[str, str]] = [("", str(text)) for text in form.non_field_errors()]
    for field in form:
        # A group of choices has no control of its own: its first choice takes the focus.
        target = f"{field.auto_id}_0" if field.field.widget.use_fieldset else str(field.id_for_label or field.auto_id)
        problems += [(f"#{target}" if target else "", f"{field.label}: {text}") for text in field.errors]
    return {"problems": problems}


@register.inclusion_tag("ui/components/form_row.html")
def form_row(field: BoundField) -> dict[str, Any]:
    """`{% form_row form.email %}`: label, hint, error and control, tied together for screen readers."""
    kind = getattr(field.field.widget, "input_type", "")
    return {
        "field": field,
        "checkbox": kind == "checkbox" and not getattr(field.field.widget, "allow_multiple_selected", False),
        "group": field.field.widget.use_fieldset,
    }
