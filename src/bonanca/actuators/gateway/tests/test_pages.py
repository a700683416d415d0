from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from bonanca.actuators.gateway.agent.pages import TEXTS, Page, choose_language, page_for, wants_json
from bonanca.actuators.gateway.wire import Directive

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOSTILE = '</p></main><script>alert("x")</script><img src=x onerror=alert(1)>&amp; \' "'


def page(message: str = "Voltamos às 14h.", **changes: object) -> Page:
    facts = {"method": "GET", "accept": "text/html", "accept_language": "", "routed": True, "now": NOON} | changes
    directive = Directive("k", "loja-api", "maintenance", message, 120, NOON + timedelta(minutes=10))
    return page_for(directive, **facts)  # type: ignore[arg-type]


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_teams_words_are_shown_and_never_become_markup() -> None:
    found = _Elements()
    found.feed(page(HOSTILE).body.decode())
    assert HOSTILE in found.text
    assert not {"script", "img"} & set(found.names)
    assert "default-src 'none'" in dict(page(HOSTILE).headers)["Content-Security-Policy"]


def test_it_is_a_503_that_says_when_to_come_back_and_is_kept_by_nobody() -> None:
    answer = page()
    headers = dict(answer.headers)
    assert (answer.status, headers["Retry-After"], headers["Cache-Control"]) == (503, "120", "no-store")
    assert "Voltamos às 14h." in answer.body.decode()
    assert len(answer.body) < 2000


def test_nobody_is_asked_to_wait_longer_than_the_containment_lasts() -> None:
    late = NOON + timedelta(minutes=9, seconds=30)
    assert dict(page(now=late).headers)["Retry-After"] == "30"
    assert dict(page(now=NOON + timedelta(hours=1)).headers)["Retry-After"] == "1"


def test_programs_get_json() -> None:
    answer = page(HOSTILE, accept="application/json", accept_language="en")
    told = json.loads(answer.body)
    assert told["detail"] == HOSTILE
    assert (told["status"], told["reason"], told["service"], told["retry_after_s"]) == (
        503,
        "maintenance",
        "loja-api",
        120,
    )
    assert dict(answer.headers)["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "pt-BR"),
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt-BR"),
        ("en-GB,en;q=0.9,pt;q=0.5", "en"),
        ("de,en;q=0.5", "en"),
        ("de", "pt-BR"),
        ("en;q=0,pt", "pt-BR"),
        ("en;q=abc", "pt-BR"),
    ],
)
def test_it_speaks_the_visitors_language(header: str, language: str) -> None:
    assert choose_language(header) == language
    answer = page("", accept_language=header)
    assert f'lang="{language}"' in answer.body.decode()
    assert TEXTS[language]["maintenance"] in answer.body.decode()


def test_both_languages_say_the_same_things() -> None:
    assert TEXTS["pt-BR"].keys() == TEXTS["en"].keys()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", True),
        ("application/problem+json", True),
        ("text/html,application/json;q=0.5", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_json_is_for_those_who_name_it(accept: str, expected: bool) -> None:
    assert wants_json(accept) is expected


def test_an_address_of_nobody_is_a_404_and_an_ended_directive_says_try_again() -> None:
    facts = {"method": "GET", "accept": "", "accept_language": "", "now": NOON}
    assert page_for(None, routed=False, **facts).status == 404  # type: ignore[arg-type]
    ended = page_for(None, routed=True, **facts)  # type: ignore[arg-type]
    assert (ended.status, dict(ended.headers)["Retry-After"]) == (503, "1")


def test_only_a_get_is_offered_again() -> None:
    assert "<a href" in page().body.decode()
    assert "<a href" not in page(method="POST").body.decode()
