"""A chart as a page shows it: drawn for a phone, half a desk and a desk, with its numbers as a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import structlog
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from bonanca.ui.charts.rendering import ChartFailed, content_key, draw

log = structlog.get_logger(__name__)

# The light half of tokens.css, for documents that stand alone. tests/test_charts.py keeps the two equal.
PAPER = {
    "--text": "#15181d",
    "--text-soft": "#525c69",
    "--line": "#dde1e6",
    "--line-strong": "#7d8794",
    "--surface": "#ffffff",
    "--accent": "#2450b8",
    "--burning": "#b3261e",
    "--burning-wash": "#fdecea",
    "--risk": "#805200",
    "--risk-wash": "#fff3d9",
    "--calm": "#176645",
    "--calm-wash": "#e5f4ec",
    "--unknown": "#525c69",
}


@dataclass(frozen=True)
class Chart:
    """`{{ chart }}` in a page; `chart.svg` alone in a document (light, its own colours, title and description)."""

    title: str
    caption: str
    specifications: tuple[dict[str, Any], ...]  # narrow, middle, wide; none when there is nothing to draw
    columns: tuple[str, str]
    rows: Sequence[tuple[str, str]]
    marks: Sequence[tuple[str, str]] = ()
    empty: str = ""

    @cached_property
    def html(self) -> SafeString:
        """The figure. A chart that cannot be drawn still shows its numbers."""
        drawings: list[SafeString] = []
        if not self.empty:
            try:
                drawings = [self._inline(specification) for specification in self.specifications]
            except ChartFailed as failure:
                log.error("chart failed", title=self.title, problem=str(failure))
        return render_to_string("ui/components/chart.html", {"chart": self, "drawings": drawings})

    @cached_property
    def svg(self) -> str:
        """A standalone SVG document.

        Raises:
            ChartFailed: it cannot be drawn.
        """
        svg = re.sub(r"var\((--[\w-]+)\)", lambda match: PAPER[match.group(1)], draw(self.specifications[-1]))
        about = f"<title>{escape(self.title)}</title><desc>{escape(self.caption)}</desc>"
        return re.sub(r"(<svg[^>]*>)", lambda match: match.group(1) + about, svg, count=1)

    @property
    def key(self) -> str:
        """A name that stays the same while the chart's data move on, for the open state of its table."""
        return content_key({"title": self.title})

    def _inline(self, specification: dict[str, Any]) -> SafeString:
        svg = draw(specification).replace(' font-family="sans-serif"', "")
        # One image with one name; the shapes inside are not read out one by one.
        label = escape(f"{self.title}. {self.caption}")
        return mark_safe(re.sub(r"<svg ", f'<svg role="img" aria-label="{label}" ', svg, count=1))  # noqa: S308

    def __str__(self) -> str:
        return self.html

    def __html__(self) -> str:
        return self.html
