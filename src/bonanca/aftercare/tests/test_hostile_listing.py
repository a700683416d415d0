"""What anybody can send ends in a log: it chooses neither the path that is asked, nor options, nor how much is held."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bonanca.aftercare import steps
from bonanca.aftercare.addresses import address, usable, within
from bonanca.aftercare.again import Work, do_again
from bonanca.aftercare.models import ReexecutionItem
from bonanca.aftercare.queries import items_of
from bonanca.aftercare.tests.working import carry_out, listed, log_of, request, server, started
from bonanca.catalog.spec import AgainSpec, HttpAgain, LogSource, SourceSpec
from tests.support.loja import Shop

pytestmark = pytest.mark.django_db
CLIMBING = (
    "/orders/../admin/reset",
    "/orders/%2e%2e/admin/reset",
    "/orders/%252e%252E/admin/reset",
    "/orders/..%2fadmin/reset",
    "/orders/..;x/admin/reset",
    "/orders/./admin",
    "/orders\\..\\admin",
    "/orders/%5c..%5cadmin",
    "/orders/..",
    "/orders/%0d%0aX: 1",
    "/orders/\t1",
    "/orders#/1",
)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "PAUSE_S", 0.01)


def watch() -> None: ...


def left_out(found: int) -> str:
    return f"{found} entries without a usable key or content were left out"


def test_a_path_that_leads_to_another_one_is_left_out_and_told(shop: Shop, tmp_path: Path) -> None:
    lines = [request(number, path=path) for number, path in enumerate(CLIMBING, 1)]
    source = log_of(tmp_path / "log", *lines, request(50, path="/orders/1.5/..x?back=../..&q=%2e%2e"))
    assert source.log is not None
    found = listed(shop, replace(source, log=replace(source.log, paths=("/orders",))))
    assert [item.key for item in items_of(found.id)] == ["r-0050"]
    # The last of them are no longer below /orders even as they stand.
    assert found.problems[0]["error"] == left_out(len([p for p in CLIMBING if within(p, ("/orders",))]))


def test_declared_paths_end_at_segments(shop: Shop, tmp_path: Path) -> None:
    paths = (
        "/orders",
        "/orders/7",
        "/orders?x=1",
        "/orders-admin",
        "/ordersx/1",
        "/cart/",
        "/cart/1",
        "/carts",
        "/cart",
    )
    source = log_of(tmp_path / "log", *(request(number, path=path) for number, path in enumerate(paths, 1)))
    assert source.log is not None
    found = listed(shop, replace(source, log=replace(source.log, paths=("/orders", "/cart/"))))
    taken = [row.content["path"] for row in ReexecutionItem.objects.filter(reexecution=found.id)]
    assert taken == ["/orders", "/orders/7", "/orders?x=1", "/cart/", "/cart/1"]
    assert within("/anything", ("/",))


def test_what_a_path_holds_is_no_placeholder() -> None:
    both = HttpAgain(path="{path}/retry/{key}")
    assert address(both, path="/orders/{key}", key="a/b") == "/orders/{key}/retry/a%2Fb"
    assert address(both, path="/orders", key="{path}") == "/orders/retry/%7Bpath%7D"


@pytest.mark.parametrize("key", ["..", ".", "../admin", "%2e%2e", "..\\x"])
def test_a_key_does_not_climb_either(key: str) -> None:
    assert address(HttpAgain(path="/jobs/{key}/retry"), path="", key=key) is None


def test_a_key_may_hold_what_is_encoded() -> None:
    assert (
        address(HttpAgain(path="/jobs/{key}"), path="", key="App\\Jobs\\Mail:5 é")
        == "/jobs/App%5CJobs%5CMail%3A5%20%C3%A9"
    )
    assert usable("/a/.../b..c/.d")


def test_what_was_listed_before_is_not_sent_either(shop: Shop) -> None:
    with server() as (orders, run):
        shop.declare(run=run)
        source = SourceSpec("checkout", AgainSpec(http=HttpAgain()), log=LogSource("x"))
        for path in CLIMBING:
            work = Work("1", "k", {"payload": "", "method": "POST", "path": path})
            answer = do_again(shop.service, source, work, watch=watch)
            assert (answer.state, answer.passing) == ("failed", False)
        assert orders.asked == []


def test_a_path_keeps_no_query_where_more_follows_it() -> None:
    retry = HttpAgain(path="{path}/retry")
    assert address(retry, path="/orders/7", key="k") == "/orders/7/retry"
    assert address(retry, path="/orders/7?x=", key="k") is None


def test_a_path_that_is_encoded_again_and_again_is_left_out() -> None:
    assert not usable("/orders/%252525252525252e./admin")
    assert not usable("/" + "%" + "25" * 3900)
    assert usable("/orders/100%25")


LISTING = r"""
import json
for key in ("-rf", "--all", "{" + "release}", "a-1"):
    print(json.dumps({"key": key}))
"""
SHOWING = "import json, sys; print(json.dumps({'outcome': 'applied', 'reason': ' '.join(sys.argv[1:])}))"


@pytest.mark.parametrize(("before", "given"), [((), ["a-1"]), (("--",), ["-rf", "--all", "a-1"])])
def test_a_key_becomes_no_option_of_a_program(shop: Shop, before: tuple[str, ...], given: list[str]) -> None:
    again = AgainSpec(command=("{python}", "-c", SHOWING, *before, "{key}"))
    found = listed(shop, SourceSpec("queue", again, command=("{python}", "-c", LISTING)))
    carry_out(started(shop, found))
    assert [item.key for item in items_of(found.id)] == given
    assert [item.reason for item in items_of(found.id)] == [" ".join((*before, key)) for key in given]


def test_a_key_that_was_listed_before_becomes_no_option_either(shop: Shop) -> None:
    source = SourceSpec("queue", AgainSpec(command=("{python}", "-c", SHOWING, "{key}")), command=("x",))
    answer = do_again(shop.service, source, Work("-rf", "k", {}), watch=watch)
    assert (answer.state, answer.reason) == ("failed", "its key would be read as an option: it is not run")
