"""Markdown as safe HTML."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from bonanca.postmortems.drafting import BUDGET_CHART_NAME, CHART_NAME

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_TAGS = {
    "h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td",
    "strong", "em", "code", "pre", "blockquote", "hr", "br", "a",
}  # fmt: skip


def to_html(text: str) -> SafeString:
    """Render and sanitise: no raw HTML, no scripts, no pictures from elsewhere.

    The page shows the title and the charts itself, so the document's own are left out, and it frames what is asked
    instead of marking it with a sign that not every font has.
    """
    pictures = tuple(f"]({name})" for name in (CHART_NAME, BUDGET_CHART_NAME))
    lines = [line for line in text.splitlines() if not line.endswith(pictures)]
    body = "\n".join(lines[1:] if lines and lines[0].startswith("# ") else lines).replace("❓ ", "")
    clean = nh3.clean(_MARKDOWN.render(body), tags=_TAGS, attributes={"a": {"href"}}, link_rel="noopener noreferrer")
    return mark_safe(clean)  # noqa: S308 - sanitised in the line above
