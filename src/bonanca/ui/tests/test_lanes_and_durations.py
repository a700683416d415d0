"""Lanes and durations: every meaning has a shape, every drawing its numbers, nothing to draw its words."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from bonanca.ui.charts import Chart, LaneMark, durations_svg, lanes_svg

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=7)


@pytest.fixture(autouse=True)
def _in_portuguese() -> object:
    with translation.override("pt-br"), timezone.override("America/Sao_Paulo"):
        yield


def drawn(*marks: LaneMark, lanes: tuple[str, ...] = ("Backups", "/a")) -> Chart:
    return lanes_svg(
        lanes,
        marks,
        title="Linha <x>",
        caption="O que",
        columns=("Hora", "O que"),
        empty="Nada",
        since=START,
        until=END,
    )


def mark(days: float, tone: str = "calm", lane: str = "Backups") -> LaneMark:
    return LaneMark(lane, START + timedelta(days=days), tone, f"{tone} {days}")


def test_each_meaning_has_a_shape_of_its_own_and_its_colour() -> None:
    html = str(drawn(*(mark(n, tone) for n, tone in enumerate(("calm", "risk", "burning", "accent", "unknown")))))
    assert html.count("<svg ") == 3
    paths = {
        tone: re.search(rf'<path[^>]*d="([^"]+)"[^>]*fill="var\(--{tone}\)"', html)
        or re.search(rf'<path[^>]*fill="var\(--{tone}\)"[^>]*d="([^"]+)"', html)
        for tone in ("calm", "risk", "burning", "accent", "unknown")
    }
    assert len({found.group(1) for found in paths.values() if found}) == 5
    assert " style=" not in html
    assert "Linha &lt;x&gt;" in html


def test_the_words_are_in_the_table_and_long_places_keep_their_end() -> None:
    place = "/mnt/" + "very-long-folder/" * 8 + "backups"
    html = str(drawn(mark(1, lane=place), lanes=("Backups", place)))
    assert f"{place}: calm 1" in html
    assert "backups</text>" in html
    assert "…" in html


def test_without_marks_in_this_time_it_says_so() -> None:
    html = str(drawn(mark(9)))
    assert "Nada" in html
    assert "<svg" not in html


def test_durations_that_exceed_what_is_allowed_burn() -> None:
    points = [(START + timedelta(days=n), 20.0 + 40 * (n == 3)) for n in range(6)]
    chart = durations_svg(points, title="RTO", column="Volta", allowed_s=30, since=START, until=END)
    html = str(chart)
    assert html.count('fill="var(--burning)"') == 3  # one point in each of the three drawings
    assert "1 min 00 s" in html
    assert "Maior 1\u00a0min\u00a000\u00a0s, último 20\u00a0s." in html
    assert "stroke-dasharray" in html
    none = durations_svg([], title="RTO", column="Volta", since=START, until=END)
    assert "Nada foi medido" in str(none)


def test_thousands_of_measurements_are_a_line_that_keeps_its_peak() -> None:
    points = [(START + timedelta(minutes=n), 90.0 if n == 5000 else 2.0) for n in range(9000)]
    chart = durations_svg(points, title="Atraso", column="Atraso", allowed_s=60, since=START, until=END)
    assert all(len(drawing["layer"][0]["data"]["values"]) < 300 for drawing in chart.specifications)
    html = str(chart)
    assert html.count('fill="var(--burning)"') == 3
    assert 'fill="var(--accent)"' not in html
