"""Every component renders, escapes what it is given, and never needs an inline style or script."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django import forms
from django.template import Context, RequestContext, Template
from django.test import RequestFactory
from django.utils import timezone, translation

from bonanca.kernel.clock import utc_now
from bonanca.ui import formats
from bonanca.ui.components import step_row

NBSP = "\u00a0"


def show(source: str, **values: object) -> str:
    return Template("{% load ui i18n %}" + source).render(Context(values))


def test_a_badge_carries_a_word_and_a_shape() -> None:
    html = show('{% badge word tone="risk" %}', word="<contido>")
    assert html == '<span class="badge tone--risk">&lt;contido&gt;</span>'


def test_a_misspelt_tone_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of burning"):
        show('{% badge "x" tone="red" %}')


def test_severity_is_a_word_in_the_persons_language() -> None:
    with translation.override("pt-br"):
        assert "SEV1 crítico" in show('{% severity "critical" %}')
    with translation.override("en"):
        assert "SEV1 critical" in show('{% severity "critical" %}')


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.4, "0,4 s"), (12, "12 s"), (252, "4 min 12 s"), (11_100, "3 h 05 min"), (187_200, "2 d 4 h")],
)
def test_durations(seconds: float, text: str) -> None:
    with translation.override("pt-br"):
        assert formats.duration_text(seconds) == text


@pytest.mark.parametrize(
    ("ago_s", "pt", "en"),
    [
        (2, "agora", "now"),
        (40, "há 40 s", "40 s ago"),
        (250, "há 4 min", "4 min ago"),
        (-1560, "em 26 min", "in 26 min"),
    ],
)
def test_moments_are_relative(ago_s: int, pt: str, en: str) -> None:
    now = datetime(2026, 3, 12, 17, 36, 27, tzinfo=UTC)
    with translation.override("pt-br"):
        assert formats.moment_text(now - timedelta(seconds=ago_s), now) == pt
    with translation.override("en"):
        assert formats.moment_text(now - timedelta(seconds=ago_s), now) == en


def test_a_moment_tells_its_exact_time_and_zone() -> None:
    at = utc_now() - timedelta(minutes=4, seconds=10)
    with translation.override("pt-br"), timezone.override("America/Sao_Paulo"):
        html = show("{{ at|moment }}", at=at)
    assert f"há{NBSP}4{NBSP}min" in html
    assert "UTC−03:00" in html
    assert f'datetime="{formats.iso_text(at)}"' in html


def test_numbers_follow_the_language() -> None:
    with translation.override("pt-br"):
        assert show("{{ x|percent:1 }} {{ n|number }}", x=7.4, n=12345) == f"7,4{NBSP}% 12.345"
        assert show("{{ x|ratio }}", x=0.31) == f"31{NBSP}%"
    with translation.override("en"):
        assert show("{{ x|percent:1 }} {{ n|number }}", x=7.4, n=12345) == f"7.4{NBSP}% 12,345"


def test_a_little_is_not_shown_as_nothing() -> None:
    with translation.override("en"):
        assert formats.percent_text(0.01, 1) == "< 0.1 %"
        assert formats.percent_text(0, 1) == "0.0 %"


def test_a_running_step_shows_elapsed_against_expected_and_its_progress() -> None:
    now = utc_now()
    step = SimpleNamespace(
        key="db", title="Banco", state="running", started_at=now - timedelta(seconds=12), finished_at=None,
        expected_s=30.0, error=None, attempts=1, progress={"fraction": 0.4, "text": "copying"},
    )  # fmt: skip
    row = step_row(step, now)
    assert (row.time, row.percent, row.detail) == ("12 s / ≈ 30 s", 40, "copying")


def test_an_unknown_meter_says_so_and_an_overspent_one_stays_in_its_bar() -> None:
    with translation.override("en"):
        assert "unknown" in show("{% meter x %}", x=None)
        html = show('{% meter x tone="burning" %}', x=140)
    assert 'width="100.00"' in html
    assert f"140{NBSP}%" in html or "140 %" in html


class _Form(forms.Form):
    title = forms.CharField(label="Title", help_text="What people see")
    ok = forms.BooleanField(label="Sure", required=False)
    kind = forms.ChoiceField(label="Kind", choices=[("a", "A")], widget=forms.RadioSelect)


def test_errors_stand_beside_the_field_and_on_top() -> None:
    form = _Form({"title": ""})
    html = show("{% error_summary form %}{% for field in form %}{% form_row field %}{% endfor %}", form=form)
    assert 'href="#id_title"' in html
    assert 'id="id_title_error"' in html
    assert re.search(r'<input[^>]*aria-describedby="id_title_helptext id_title_error"', html)
    assert html.count("<legend") == 1


@pytest.mark.urls("bonanca.ui.web.urls")
def test_the_frame_has_nothing_inline() -> None:
    request = RequestFactory().get("/incidents/")
    source = '{% extends "ui/base.html" %}{% block title %}T{% endblock %}{% block content %}<h1>T</h1>{% endblock %}'
    html = Template(source).render(RequestContext(request, {"messages": []}))
    assert "<h1>T</h1>" in html
    assert " style=" not in html
    assert not re.search(r"\son[a-z]+=", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))
