"""Charts read without colour, without JavaScript and without their drawing; labels of moments never collide."""

from __future__ import annotations

import itertools
import re
import threading
import time
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.utils import timezone, translation

from bonanca.ui.charts import DayBar, Moment, bars_90_days, budget_burn_svg, error_ratio_svg, rendering, sparkline
from bonanca.ui.charts.layout import _clash, place_moments, time_ticks

START = datetime(2026, 3, 12, 17, 0, tzinfo=UTC)
POINTS = [(START + timedelta(seconds=10 * n), 0.31 if 60 < n < 90 else 0.002) for n in range(181)]


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


MOMENTS = [
    Moment("mudança v2", at(10), "change"),
    Moment("detectado", at(10.3), "detection"),
    Moment("contido", at(11), "containment"),
    Moment("revertido", at(14.9), "recovery"),
]


@pytest.fixture(autouse=True)
def _in_portuguese() -> object:
    with translation.override("pt-br"), timezone.override("America/Sao_Paulo"):
        yield


def test_a_page_shows_the_chart_with_the_colours_of_its_theme_and_nothing_inline() -> None:
    html = str(error_ratio_svg(POINTS, MOMENTS, title="Erros <loja>", target=0.01))
    assert html.count("<svg ") == 3
    assert 'stroke="var(--burning)"' in html
    assert not re.search(r'fill="(black|white|#)', html)
    assert " style=" not in html
    assert "Erros &lt;loja&gt;" in html
    assert ">14:10<" in html  # 17:10 UTC, in the person's zone
    assert "31\u00a0%" in html
    for label in ("mudança v2", "detectado", "contido", "revertido"):
        assert f">{label}</text>" in html


def test_the_numbers_stand_in_a_table_and_in_the_images_name() -> None:
    html = str(error_ratio_svg(POINTS, MOMENTS, title="Erros", target=0.01))
    assert "<caption>Erros</caption>" in html
    assert '<td class="number">31 %</td>' in html
    assert 'role="img" aria-label="Erros. Máximo de 31' in html


def test_a_document_gets_a_whole_svg_with_its_own_colours() -> None:
    svg = budget_burn_svg([(when, n / 2) for n, (when, _) in enumerate(POINTS)], MOMENTS, title="Orçamento").svg
    tree = ElementTree.fromstring(svg)  # noqa: S314 - our own drawing
    assert tree.tag.endswith("svg")
    assert "var(" not in svg
    assert "<title>Orçamento</title>" in svg


def test_without_measurements_it_says_so_and_draws_nothing() -> None:
    html = str(error_ratio_svg([(START, None)], MOMENTS, title="Erros"))
    assert "Nada foi medido" in html
    assert "<svg" not in html


def test_a_gap_in_the_measurements_is_a_gap() -> None:
    points = [(when, None if 40 < n < 60 else value) for n, (when, value) in enumerate(POINTS)]
    svg = error_ratio_svg(points, [], title="Erros").svg
    line = next(path for path in re.findall(r"<path[^>]*>", svg) if 'stroke-width="1.75"' in path)
    assert line.count("M") == 2


def test_a_peak_survives_the_thinning_of_many_points() -> None:
    points = [(START + timedelta(seconds=n), 0.9 if n == 1111 else 0.0) for n in range(1800)]
    assert "90 %" in str(error_ratio_svg(points, [], title="Erros"))


@pytest.mark.parametrize("width", [284, 464, 744])
@pytest.mark.parametrize("spread", [0.05, 0.3, 1, 4])
@pytest.mark.parametrize("begin", [0, 3, 14, 22, 29])
def test_labels_of_moments_neither_overlap_nor_cross_lines(width: int, spread: float, begin: float) -> None:
    words = ("mudança v2", "detectado", "contido", "revertido", "verificado")
    moments = [Moment(word, at(min(30, begin + n * spread))) for n, word in enumerate(words)]
    placed = place_moments(moments, START, at(30), width)
    assert len(placed) == 5
    assert not any(_clash(one, other) for one, other in itertools.combinations(placed, 2))
    assert all(label.right <= width and label.left >= -46 for label in placed)


def test_ticks_are_few_and_on_round_times_of_the_persons_zone() -> None:
    assert [name for _, name in time_ticks(at(1), at(31), 4)] == ["14:10", "14:20", "14:30"]
    assert 2 <= len(time_ticks(START, START + timedelta(days=30), 4)) <= 4


def test_what_was_drawn_is_kept_and_other_threads_run_meanwhile() -> None:
    chart = error_ratio_svg(POINTS, [Moment(f"x{time.time_ns()}", at(4))], title="Erros")
    ticks = 0
    done = threading.Event()

    def count() -> None:
        nonlocal ticks
        while not done.wait(0.001):
            ticks += 1

    counter = threading.Thread(target=count)
    counter.start()
    began = time.perf_counter()
    first = str(chart)
    first_s = time.perf_counter() - began
    done.set()
    counter.join()
    began = time.perf_counter()
    again = str(error_ratio_svg(POINTS, chart_moments(chart), title="Erros"))
    assert again == first
    assert time.perf_counter() - began < max(0.1, first_s)
    assert ticks > first_s * 100  # the interpreter was not held while vl-convert drew


def chart_moments(chart: object) -> list[Moment]:
    (label,) = [label for _at, label in chart.marks]  # type: ignore[attr-defined]
    return [Moment(label, at(4))]


def test_a_converter_that_died_is_replaced() -> None:
    rendering.warm_up()
    process = rendering._converter._process
    assert process is not None
    process.kill()
    process.wait()
    specification = {"data": {"values": [{"a": 1}]}, "mark": "tick", "encoding": {"x": {"field": "a"}}}
    specification["description"] = str(time.time_ns())
    assert rendering.draw(specification).startswith("<svg")


def test_a_chart_that_cannot_be_drawn_still_shows_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_specification: object) -> str:
        raise rendering.ChartFailed("no")

    monkeypatch.setattr("bonanca.ui.charts.figure.draw", refuse)
    html = str(error_ratio_svg(POINTS, MOMENTS, title="Erros"))
    assert "O gráfico não pôde ser desenhado" in html
    assert '<td class="number">31 %</td>' in html


def test_ninety_days_are_small_and_name_their_bad_days() -> None:
    days = [DayBar(date(2026, 1, 1) + timedelta(days=n), "calm") for n in range(90)]
    days[5] = DayBar(days[5].day, "burning", minutes=42)
    html = bars_90_days(days, title="Compras")
    assert len(html) < 2500
    assert 'aria-label="Compras. 1 dia com perturbação: 6 jan. 2026, 42 min."' in html


def test_a_sparkline_has_a_name_and_gaps() -> None:
    html = sparkline([1, None, 2, 3], title="Erros")
    assert 'aria-label="Erros"' in html
    assert html.count("M") == 2
    assert sparkline([None], title="Erros") == ""
