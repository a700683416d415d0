"""`{% load diffs %}`: a unified diff with its added and removed lines told apart, by sign and by colour."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

_KINDS = (("+++", "place"), ("---", "place"), ("@@", "place"), ("diff ", "place"), ("+", "added"), ("-", "removed"))


@register.filter(is_safe=True)
def diff(text: str) -> SafeString:
    """`{{ text|diff }}` → <pre class="diff">, every line escaped."""
    lines = ((_kind(line), line or " ") for line in str(text).splitlines())
    return format_html(
        '<pre class="diff" tabindex="0">{}</pre>', format_html_join("", '<span class="{}">{}</span>', lines)
    )


def _kind(line: str) -> str:
    return next((kind for start, kind in _KINDS if line.startswith(start)), "same")
