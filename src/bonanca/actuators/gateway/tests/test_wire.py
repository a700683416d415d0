from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bonanca.actuators.gateway import wire
from bonanca.actuators.gateway.agent.configuration import dynamic_configuration
from bonanca.actuators.gateway.wire import Backend, Desired, DesiredRefused, Directive, Route, parse_desired

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SHOP = Route("loja-api", "/", (Backend("http://127.0.0.1:9101"),))


def directive(**changes: object) -> Directive:
    facts: dict[str, object] = {
        "key": "k",
        "service": "loja-api",
        "kind": "disable",
        "message": "",
        "retry_after_s": 30,
        "expires_at": NOON + timedelta(minutes=5),
        "match": "/checkout",
    }
    return msgspec.convert(facts | changes, Directive)


@pytest.mark.parametrize(
    "path",
    [
        "/a`) || PathPrefix(`/",
        "/a`",
        "/a b",
        "/a\n",
        "/a'",
        '/a"',
        "/a\\b",
        "/{name:.*}",
        "/a$",
        "/a(b)",
        "/a|b",
        "/%2e%2e/",
        "/a%60",
        "/../etc",
        "/a/./b",
        "//a",
        "/a//b",
        "a",
        "",
        "/ção",
        "/a?x=1",
        "/a#b",
        "/" + "a" * 200,
    ],
)
def test_a_path_that_could_end_a_rule_or_mean_another_path_is_refused(path: str) -> None:
    assert wire.path_fault(path)
    for state in (
        Desired("default", 1, (msgspec.structs.replace(SHOP, path_prefix=path),)),
        Desired("default", 1, (msgspec.structs.replace(SHOP, health_path=path),)),
        Desired("default", 1, (SHOP,), (msgspec.structs.replace(directive(), match=path),)),
    ):
        with pytest.raises(DesiredRefused):
            parse_desired(wire.encode(state), gateway="default")


@pytest.mark.parametrize("path", ["/", "/checkout", "/checkout/", "/api/v1/cart", "/a.b-c_d~e@f:g+h,i=j", "/..a"])
def test_plain_paths_are_taken(path: str) -> None:
    assert wire.path_fault(path) is None


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("service", "loja`"),
        ("service", "Loja"),
        ("service", "loja_api"),
        ("service", "-loja"),
        ("service", "loja@file"),
        ("service", "a" * 64),
        ("host", "a`b.example"),
        ("host", "loja.example:80"),
        ("host", "LOJA.example"),
        ("host", "loja..example"),
        ("host", ""),
        ("backends", (Backend("file:///etc/passwd"),)),
        ("backends", (Backend("http://127.0.0.1:9101/admin"),)),
        ("backends", (Backend("http://user:pw@127.0.0.1"),)),
        ("backends", (Backend("http://127.0.0.1:99999"),)),
        ("backends", (Backend("http://127.0.0.1:0"),)),
        ("backends", ()),
    ],
)
def test_a_route_with_a_part_that_cannot_be_matched_or_reached_is_refused(part: str, value: object) -> None:
    route = msgspec.structs.replace(SHOP, **{part: value})
    with pytest.raises(DesiredRefused, match=r"routes\[0\]"):
        parse_desired(wire.encode(Desired("default", 1, (route,))), gateway="default")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"gateway":"default"}',
        b'{"gateway":"other","version":1}',
        b'{"gateway":"default","version":-1}',
        b'{"gateway":"default","version":"1; rm"}',
        b'{"gateway":"default","version":1,"routes":[{"service":"a"}]}',
        b'{"gateway":"default","version":1,"directives":[{"key":"k","service":"a","kind":"explode","message":"",'
        b'"retry_after_s":1,"expires_at":"2026-05-01T12:00:00Z"}]}',
        b'{"gateway":"default","version":1,"directives":[{"key":"k","service":"a","kind":"disable","message":"",'
        b'"retry_after_s":0,"expires_at":"2026-05-01T12:00:00Z"}]}',
        b'{"gateway":"default","version":1,"directives":[{"key":"k","service":"a","kind":"disable","message":"",'
        b'"retry_after_s":1,"expires_at":"2026-05-01T12:00:00"}]}',
        b" " * (wire.DOCUMENT_MAX_BYTES + 1),
    ],
)
def test_a_malformed_document_is_refused(document: bytes) -> None:
    with pytest.raises(DesiredRefused):
        parse_desired(document, gateway="default")


def test_two_services_cannot_own_one_place() -> None:
    other = msgspec.structs.replace(SHOP, service="estoque")
    with pytest.raises(DesiredRefused, match="already belongs to 'loja-api'"):
        parse_desired(wire.encode(Desired("default", 1, (SHOP, other))), gateway="default")


def test_unknown_keys_of_a_newer_web_are_tolerated() -> None:
    assert parse_desired(b'{"gateway":"default","version":3,"weights":[1]}', gateway="default").version == 3


def test_expired_directives_drop_out_at_their_instant() -> None:
    state = Desired("default", 1, (SHOP,), (directive(key="a"), directive(key="b", expires_at=NOON)))
    assert [d.key for d in state.at(NOON - timedelta(seconds=1)).directives] == ["a", "b"]
    assert [d.key for d in state.at(NOON).directives] == ["a"]
    assert state.next_expiry(NOON) == NOON + timedelta(minutes=5)
    assert state.at(NOON + timedelta(minutes=5)).directives == ()


def test_a_containment_stands_above_its_route_and_below_a_more_specific_one() -> None:
    inner = Route("estoque", "/checkout/stock", (Backend("http://127.0.0.1:9201"),))
    whole = directive(key="all", kind="maintenance", match=None)
    state = Desired("default", 1, (SHOP, inner), (directive(), whole))
    routers = dynamic_configuration(state, polite_port=1)["http"]["routers"]
    closed, down = (f"contain-loja-api-{d.mark}" for d in (directive(), whole))
    order = sorted(routers, key=lambda name: routers[name]["priority"])
    assert order == ["fallback", "svc-loja-api", closed, down, "svc-estoque"]


def test_the_configuration_has_no_empty_list_or_map_anywhere() -> None:
    # Traefik refuses a file with one silently.
    def walk(value: object) -> None:
        if isinstance(value, dict | list):
            assert value
            for inner in value.values() if isinstance(value, dict) else value:
                walk(inner)

    for state in (Desired("default", 0), Desired("default", 1, (SHOP,), (directive(), directive(key="b", match=None)))):
        walk(dynamic_configuration(state, polite_port=1))
