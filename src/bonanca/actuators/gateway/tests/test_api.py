"""The agent's door, and the whole way from an operation to a visitor."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from bonanca.access.models import ApiToken
from bonanca.access.tokens import digest
from bonanca.actuators.gateway import queries
from bonanca.actuators.gateway.metrics import read_counters
from bonanca.actuators.gateway.operations.lift_directive import lift_directive
from bonanca.actuators.gateway.operations.put_directive import put_directive
from bonanca.actuators.gateway.operations.set_routes import set_routes
from bonanca.actuators.gateway.tests.edge import AgentProcess, Replica, seconds_until, shop
from bonanca.actuators.gateway.wire import Applied, encode, local_routes, parse_desired
from bonanca.kernel.clock import utc_now

SECRET = "bnc_of-the-gateway"
DESIRED, APPLIED = "/api/v1/gateway/desired", "/api/v1/gateway/applied"


def token(scope: str = "gateway", role: str = "viewer", secret: str = SECRET) -> dict[str, str]:
    ApiToken.objects.create(
        name=f"{scope}-{role}", prefix=secret[:8], digest=digest(secret), scope=scope, role=role, created_at=utc_now()
    )
    return {"Authorization": f"Bearer {secret}"}


def report(**changes: Any) -> bytes:
    facts = {
        "gateway": "default",
        "version": 1,
        "applied_at": utc_now(),
        "entry_url": "http://127.0.0.1:8080",
        "metrics_url": "http://127.0.0.1:8082/metrics",
        "host": "edge-1",
        "pid": 7,
    }
    return encode(Applied(**(facts | changes)))  # type: ignore[arg-type]


@pytest.mark.django_db
def test_only_a_token_of_the_gateway_gets_in(client: Client) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer bnc_wrong"},
        token("api", "admin", "bnc_api"),
        token("alerts", "admin", "bnc_al"),
    ):
        assert client.get(DESIRED, headers=headers).status_code == 401
        assert client.post(APPLIED, report(), content_type="application/json", headers=headers).status_code == 401
    assert queries.applied_version("default") is None


@pytest.mark.django_db
def test_what_is_known_is_not_sent_again_and_a_report_is_kept(client: Client) -> None:
    headers = token()
    set_routes("default", "loja-api", local_routes("loja-api", [(None, "/")], [9101]), utc_now())
    answer = client.get(DESIRED, {"gateway": "default"}, headers=headers)
    assert parse_desired(answer.content, gateway="default").version == 1
    assert client.get(DESIRED, {"since": 1}, headers=headers).status_code == 204
    assert client.post(APPLIED, report(), content_type="application/json", headers=headers).status_code == 204
    assert queries.get_gateway("default", now=utc_now()).host == "edge-1"


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"", b"[]", b'{"gateway":"default"}', report(metrics_url="file:///etc/passwd")])
def test_a_malformed_report_is_refused(client: Client, body: bytes) -> None:
    answer = client.post(APPLIED, body, content_type="application/json", headers=token())
    assert answer.status_code == 422
    assert queries.applied_version("default") is None


@pytest.mark.django_db(transaction=True)
def test_a_long_poll_ends_soon_after_the_change() -> None:
    headers = token()
    set_routes("default", "loja-api", local_routes("loja-api", [(None, "/")], [9101]), utc_now())
    answered: list[float] = []

    def ask() -> None:
        try:
            answer = Client().get(DESIRED, {"since": 1, "wait": 10}, headers=headers)
        finally:
            connection.close()
        assert parse_desired(answer.content, gateway="default").version == 2
        answered.append(time.monotonic())

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join(0.3)
    assert asking.is_alive()
    changed = time.monotonic()
    set_routes("default", "loja-api", (), utc_now())
    asking.join(5)
    assert answered[0] - changed < 0.5


@pytest.fixture
def agent(live_server: Any, tmp_path: Path) -> Iterator[AgentProcess]:
    token()
    home = tmp_path / "home"
    home.mkdir()
    (home / "token").write_text(SECRET)
    (home / "token").chmod(0o600)
    with AgentProcess(home, live_server.url) as running:
        seconds_until(lambda: queries.get_gateway("default", now=utc_now()).alive)
        yield running


@pytest.mark.django_db(transaction=True)
def test_from_the_operation_to_the_visitor_within_half_a_second(agent: AgentProcess) -> None:
    with Replica() as replica:
        version = set_routes("default", "loja-api", [shop(replica)], utc_now())
        seconds_until(lambda: queries.applied_version("default") == version)
        took = []
        for n in range(5):
            key = f"run:{n}"
            put_directive(
                key=key,
                gateway="default",
                service="loja-api",
                kind="disable",
                match="/checkout",
                expires_at=utc_now() + timedelta(minutes=5),
                now=utc_now(),
            )
            took.append(seconds_until(lambda: agent.get("/checkout").status_code == 503))
            seconds_until(lambda k=key: queries.get_directive(k).applied_at is not None)  # type: ignore[misc]
            lift_directive(key=key, now=utc_now())
            seconds_until(lambda: agent.get("/checkout").status_code == 200)
        # The median: one slow try is the shared machine's, three of five are ours.
        assert median(took) < 0.5, took
        url = queries.metrics_url("default")
        assert url is not None
        counted = read_counters(url, "loja-api")
        assert counted.contained >= 5
        assert counted.failed == counted.contained
