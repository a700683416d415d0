"""The door for Alertmanager's clients: kept before it is answered, once, and a refusal says what and where (Y4)."""

from __future__ import annotations

import base64
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from bonanca.access.models import ApiToken
from bonanca.access.tokens import digest
from bonanca.kernel.clock import utc_now
from bonanca.outbox.models import OutboxEvent
from bonanca.signals import alertmanager as wire
from bonanca.signals import queries
from bonanca.signals.operations.expire_alerts import expire_alerts
from bonanca.signals.web import alertmanager as door

SECRET = "bnc_" + "s" * 40
LABELS = {"alertname": "DiskFull", "service": "loja-api", "severity": "page"}
ALERT = {"labels": LABELS, "annotations": {"summary": "Disk of loja is full"}, "generatorURL": "http://prom/graph"}


@pytest.fixture
def token(db: None) -> str:
    ApiToken.objects.create(
        name="prom", prefix=SECRET[:8], digest=digest(SECRET), scope="alerts", role="viewer", created_at=utc_now()
    )
    return f"Bearer {SECRET}"


def post(client: Client, authorization: str | None, body: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": authorization} if authorization else {}
    return client.post("/api/v2/alerts", raw, content_type="application/json", headers=headers)


def listed(client: Client, authorization: str, **query: Any) -> Any:
    return client.get("/api/v2/alerts", query, headers={"Authorization": authorization})


def events(name: str) -> list[Any]:
    return [row.payload for row in OutboxEvent.objects.filter(name=f"signals.alert.{name}.v1").order_by("id")]


def test_an_alert_is_kept_and_told_to_the_other_rooms(client: Client, token: str) -> None:
    answer = post(client, token, [{**ALERT, "startsAt": "2026-03-01T12:00:00Z"}])
    assert (answer.status_code, answer.content) == (200, b"")
    [alert] = queries.alerts()
    assert (alert.service, alert.severity, alert.summary) == ("loja-api", "high", "Disk of loja is full")
    [event] = events("firing")
    assert event["alert_id"] == str(alert.id)
    assert event["starts_at"] == "2026-03-01T12:00:00Z"
    assert event["labels"] == LABELS
    [shown] = listed(client, token).json()
    assert shown["fingerprint"] == alert.fingerprint
    assert shown["labels"] == LABELS
    assert shown["status"]["state"] == "active"
    assert {"annotations", "endsAt", "receivers", "startsAt", "updatedAt"} <= shown.keys()


def test_the_same_alert_again_is_the_same_alert(client: Client, token: str) -> None:
    for _ in range(3):
        assert post(client, token, [ALERT, ALERT]).status_code == 200
    assert len(queries.alerts()) == len(events("firing")) == 1


def test_an_end_in_the_past_resolves_it_and_a_return_is_a_new_alert(client: Client, token: str) -> None:
    over = (utc_now() - timedelta(seconds=1)).isoformat()
    post(client, token, [ALERT])
    post(client, token, [{**ALERT, "startsAt": "2026-03-01T12:00:00Z", "endsAt": over}])
    post(client, token, [{**ALERT, "startsAt": "2026-03-01T12:00:00Z", "endsAt": over}])
    assert [event["reason"] for event in events("resolved")] == ["sender"]
    assert listed(client, token).json() == []
    post(client, token, [ALERT])
    assert [alert.state for alert in queries.alerts()] == ["firing", "resolved"]
    assert len(events("firing")) == 2


def test_what_is_not_sent_again_resolves_by_itself(client: Client, token: str) -> None:
    post(client, token, [ALERT])
    now = utc_now()
    assert expire_alerts(now=now + wire.RESOLVE_TIMEOUT - timedelta(seconds=5)) == 0
    post(client, token, [ALERT])
    assert expire_alerts(now=now + wire.RESOLVE_TIMEOUT + timedelta(seconds=5)) == 1
    assert [event["reason"] for event in events("resolved")] == ["timeout"]


def test_a_start_in_the_future_is_now(client: Client, token: str) -> None:
    post(client, token, [{**ALERT, "startsAt": "2126-03-01T12:00:00Z"}])
    assert queries.alerts()[0].starts_at <= utc_now()


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 400, "body: not valid JSON"),
        ([ALERT, {"labels": {"a": 1}}], 400, "alerts[1].labels.a: expected a string"),
        ([{**ALERT, "endsAt": "tomorrow"}], 400, "alerts[0].endsAt"),
        (b"[" + b" " * wire.MAX_BODY_BYTES + b"]", 413, "at most"),
        ([ALERT] * (wire.MAX_ALERTS + 1), 413, "at most"),
    ],
)
def test_a_refusal_says_what_and_where_and_keeps_nothing(
    client: Client, token: str, body: Any, status: int, says: str
) -> None:
    answer = post(client, token, body)
    assert answer.status_code == status
    assert says in answer.json()
    assert queries.alerts() == ()


def test_only_a_token_of_the_scope_alerts_enters(client: Client, token: str, owner: Any) -> None:
    ApiToken.objects.create(name="api", prefix="x", digest=digest("bnc_api"), scope="api", created_at=utc_now())
    for authorization in (None, "Bearer wrong", "Bearer bnc_api", "Basic !!!"):
        answer = post(client, authorization, [ALERT])
        assert answer.status_code == 401
        assert "WWW-Authenticate" in answer.headers
    client.force_login(owner)
    assert post(client, None, [ALERT]).status_code == 401
    assert queries.alerts() == ()
    basic = "Basic " + base64.b64encode(f"amtool:{SECRET}".encode()).decode()
    assert post(client, basic, [ALERT]).status_code == 200


def test_other_methods_are_refused_by_name(client: Client, token: str) -> None:
    answer = client.delete("/api/v2/alerts", headers={"Authorization": token})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


def test_amtool_filters(client: Client, token: str) -> None:
    post(client, token, [ALERT, {"labels": {"alertname": "Other"}}])
    assert len(listed(client, token).json()) == 2
    assert [a["labels"]["alertname"] for a in listed(client, token, filter='alertname=~"Disk.*"').json()] == [
        "DiskFull"
    ]
    assert listed(client, token, filter=['alertname="Other"', 'service="x"']).json() == []
    assert listed(client, token, active="false").json() == []
    assert listed(client, token, filter="=").status_code == 400
    status = client.get("/api/v2/status", headers={"Authorization": token}).json()
    assert status["cluster"]["status"] == "disabled"
    assert {"cluster", "versionInfo", "config", "uptime"} == status.keys()


def test_without_the_database_the_sender_keeps_what_it_has(
    client: Client, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(door, "receive_alerts", lost)
    answer = post(client, token, [ALERT])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


@pytest.mark.django_db(transaction=True)
def test_senders_that_race_make_one_alert(token: str) -> None:
    batch = [{"labels": {"alertname": f"A{n}"}} for n in range(20)]
    together = threading.Barrier(4)
    statuses: list[int] = []

    def sender(turn: int) -> None:
        together.wait()
        statuses.append(post(Client(), token, batch if turn % 2 else batch[::-1]).status_code)
        connection.close()

    threads = [threading.Thread(target=sender, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    assert len(queries.alerts()) == len(events("firing")) == 20
