"""Alertmanager's shape: what is accepted, what is refused and where (requirement Y4)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonanca.signals.alertmanager import MAX_ALERTS, MAX_BODY_BYTES, Malformed, TooLarge, parse_alerts
from bonanca.signals.labels import BadMatcher, fingerprint, parse_matcher, service_of, severity_of, summary_of


def parse(*alerts: Any) -> Any:
    return parse_alerts(json.dumps(list(alerts)).encode())


def test_what_prometheus_sends_is_read() -> None:
    [alert] = parse(
        {
            "annotations": {"summary": "Disk is full"},
            "endsAt": "2026-03-01T12:04:00.123456789Z",
            "startsAt": "2026-03-01T09:00:00.5-03:00",
            "generatorURL": "http://prom:9090/graph?g0",
            "labels": {"alertname": "DiskFull", "service": "loja-api", "empty": ""},
            "later": {"unknown": ["keys"]},
        }
    )
    assert alert.labels == {"alertname": "DiskFull", "service": "loja-api"}
    assert alert.starts_at == datetime(2026, 3, 1, 12, 0, 0, 500000, tzinfo=UTC)
    assert alert.ends_at == datetime(2026, 3, 1, 12, 4, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("zero", [None, "", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"])
def test_a_zero_time_is_not_set(zero: str | None) -> None:
    [alert] = parse({"labels": {"a": "b"}, "endsAt": zero})
    assert alert.ends_at is None


GOOD = {"labels": {"alertname": "A"}}


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"labels": {}}, "body: expected a list"),
        ([GOOD, 7], "alerts[1]: expected an object, got a number"),
        ([{}], "alerts[0].labels: expected an object of strings, got null"),
        ([{"labels": {"a": ""}}], "alerts[0].labels: at least one label"),
        ([GOOD, {"labels": {"a": 1}}], "alerts[1].labels.a: expected a string"),
        ([{"labels": {"1a": "x"}}], "alerts[0].labels.1a: a label name"),
        ([{**GOOD, "startsAt": "yesterday"}], "alerts[0].startsAt: expected an RFC 3339"),
        ([{**GOOD, "startsAt": "2026-03-01T12:00:00"}], "alerts[0].startsAt: expected an RFC 3339"),
        ([{**GOOD, "startsAt": "2026-13-01T12:00:00Z"}], "alerts[0].startsAt: not a time"),
        ([{**GOOD, "startsAt": 5}], "alerts[0].startsAt"),
        (
            [{**GOOD, "startsAt": "2026-03-01T12:00:00Z", "endsAt": "2026-03-01T11:00:00Z"}],
            "alerts[0].endsAt: it is bef",
        ),
        ([{**GOOD, "annotations": ["x"]}], "alerts[0].annotations: expected an object"),
        ([{**GOOD, "annotations": {"x": "a\x00b"}}], "alerts[0].annotations.x: the character NUL"),
        ([{**GOOD, "generatorURL": {}}], None),
        ([{**GOOD, "generatorURL": 3}], "alerts[0].generatorURL"),
    ],
)
def test_a_refusal_names_the_place(document: Any, where: str | None) -> None:
    body = json.dumps(document).encode()
    if where is None:
        assert parse_alerts(body)[0].generator_url == ""
        return
    with pytest.raises(Malformed) as refused:
        parse_alerts(body)
    assert str(refused.value).startswith(where)


@pytest.mark.parametrize("body", [b"", b"{", b"[\xff\xfe]", b'[{"labels": {"a": "b"}', b"[" * 100_000])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed, match="body: not valid JSON"):
        parse_alerts(body)


def test_limits_say_what_is_accepted() -> None:
    with pytest.raises(TooLarge, match=f"at most {MAX_BODY_BYTES}"):
        parse_alerts(b" " * (MAX_BODY_BYTES + 1))
    with pytest.raises(TooLarge, match=f"at most {MAX_ALERTS}"):
        parse_alerts(b"[" + b",".join([b"1"] * (MAX_ALERTS + 1)) + b"]")
    with pytest.raises(TooLarge, match=r"alerts\[0\]\.labels\.a"):
        parse({"labels": {"a": "x" * 20_000}})


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_no_input_does_anything_but_parse_or_be_refused(document: Any) -> None:
    try:
        parse_alerts(json.dumps(document).encode())
    except Malformed:
        return


def test_the_fingerprint_is_that_of_prometheus() -> None:
    # As Debian's Alertmanager 0.25 answers them.
    assert fingerprint({"alertname": "DiskFull", "service": "loja-api", "severity": "page"}) == "1c0913e8c2f01286"
    assert fingerprint({"alertname": "Ação", "b": "é"}) == "33807be3319b80c4"
    assert fingerprint({}) == "cbf29ce484222325"
    assert fingerprint({"b": "2", "a": "1"}) == fingerprint({"a": "1", "b": "2"})
    assert fingerprint({"a": "1"}) != fingerprint({"a1": ""})


def test_words_of_senders_become_our_severity() -> None:
    words = {"critical": "critical", "page": "high", "ERROR": "high", "warning": "medium", "info": "low", "?": "medium"}
    assert {word: severity_of({"severity": word}) for word in words} == words
    assert severity_of({}) == "medium"
    assert service_of({"service": "loja-api"}) == "loja-api"
    assert summary_of({"alertname": "A"}, {"description": " long \n text "}) == "long text"
    assert summary_of({"alertname": "A"}, {}) == "A"


def test_matchers_read_as_in_alertmanager() -> None:
    labels = {"alertname": "DiskFull", "service": "loja-api"}
    yes = [
        'alertname="DiskFull"',
        "alertname=DiskFull",
        'service=~"loja-.*"',
        'missing=""',
        'service!="x"',
        "service!~x",
    ]
    no = ['service=~"loja"', 'missing!=""', "alertname!=DiskFull"]
    assert all(parse_matcher(text).matches(labels) for text in yes)
    assert not any(parse_matcher(text).matches(labels) for text in no)
    for bad in ("", "alertname", "a=~(", "=x"):
        with pytest.raises(BadMatcher):
            parse_matcher(bad)
