"""What nobody types and everybody will one day send: refused with words, never a 5xx, and nothing of it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.test_who_may import TABLE, ask

if TYPE_CHECKING:
    from tests.api.world import World

# As JSON text: a NUL, half of a surrogate pair (neither can be stored), and more than any field holds.
NASTY = {"nul": '"a\\u0000b"', "half a character": '"a\\ud800b"', "long": json.dumps("/x" * 6000)}
BODIES = [row for row in TABLE if isinstance(row[3], dict) and any(isinstance(v, str) for v in row[3].values())]


def nasty_bodies() -> Iterator[tuple[str, str, str, str, str]]:
    for method, path, _, body in BODIES:
        for field, value in body.items():
            if isinstance(value, str):
                for what, text in NASTY.items():
                    sent = json.dumps({**body, field: "NASTY"}).replace('"NASTY"', text)
                    yield method, path, field, what, sent


def test_nasty_text_in_any_field_is_refused_with_words(world: World) -> None:
    wrong = []
    for method, path, field, what, sent in nasty_bodies():
        response = ask(world, "administrator", method, path, sent)
        if not 200 <= response.status_code < 500:
            wrong.append(f"{method} {path} {field} {what}: {response.status_code} {response.content[:200]!r}")
        elif what != "long" and response.status_code not in (400, 404, 422):
            wrong.append(f"{method} {path} {field} {what}: {response.status_code} was accepted")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"])
def test_a_moment_at_the_end_of_time_is_refused(world: World, moment: str) -> None:
    body: dict[str, Any] = {"title": "Caiu", "service": "loja-api", "severity": "high", "started_at": moment}
    response = ask(world, "administrator", "POST", "incidents", body)
    assert response.status_code == 422, response.content


def test_nasty_addresses_name_nothing(world: World) -> None:
    for path in (
        "incidents/99999999999999999999",
        "incidents/0",
        "services/%00",
        "slos/%00",
        "slos/%ff",
        "services/a%00b/budget",
        "incidents?service=%00",
        "changes?service=a%00",
        "backups?service=%00",
        "pins?service=%00",
        "kept-databases?service=%00",
        "response-plans?service=%00",
        "alerts?service=%00",
        "plans/?subject=%00",
        "plans/?kind=%00",
        "incidents/1/timeline?kind=%00",
        "postmortems/1/markdown?lang=%00",
    ):
        response = ask(world, "administrator", "GET", path, None)
        assert response.status_code in (400, 404, 422), (path, response.status_code)
        assert response.json()["error"]["message"], path


def test_a_body_that_is_no_json_is_told_so(world: World) -> None:
    for body in ("{", "[]", '"x"', "null", "\xff", '{"title": 1}', '{"title": {"a": 1}}', "[" * 5000):
        response = ask(world, "administrator", "POST", "incidents", body)
        assert response.status_code in (400, 422), (body[:20], response.status_code)
        assert response.json()["error"]["message"]
