"""Seen from outside, with real processes: your own service, your own incident, and what no kill and no typo may do."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller

from bonanca.actuators.postgres.ports import free_port
from tests.promises.instance import Instance, ended
from tests.support.poll import eventually

YOURS = """version: 1
teams:
  - {slug: time, members: [{email: eu@example.com, role: commander}], on_call: [eu@example.com]}
services:
  - {slug: minha-api, team: time}
  - {slug: outra-api, team: time}
  - {slug: terceira-api, team: time}
"""


class Mail:
    """An SMTP server that takes everything, but never answers the first message that is about `hold`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.hold, self.held = "", threading.Event()
        self.taken: list[tuple[str, str]] = []
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = message_from_bytes(envelope.content, policy=policy.default)
        subject, identity = str(message["Subject"]), str(message["Message-ID"])
        self.taken.append((subject, identity))
        if self.hold and self.hold in subject and not self.held.is_set():
            self.held.set()
            await asyncio.Event().wait()
        return "250 taken"

    def about(self, words: str) -> list[str]:
        """Return the Message-IDs of what was received with these words in its subject."""
        return [identity for subject, identity in self.taken if words in subject]


@pytest.fixture(scope="module")
def mail() -> Iterator[Mail]:
    server = Mail()
    server.controller.start()
    yield server
    server.controller.stop(no_assert=True)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, mail: Mail) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("outside")
    instance = Instance(folder / "home", smtp_port=mail.port)
    try:
        instance.start()
        (folder / "bonanca.yaml").write_text(YOURS)
        assert "added" in instance.said("apply", str(folder / "bonanca.yaml"))
        yield instance
    finally:
        instance.stop()


@pytest.fixture(scope="module")
def tokens(ours: Instance) -> dict[str, str]:
    """One token for alerts, one that reads."""
    making = {s: ours.spawn("token", "create", "--name", s, "--scope", s, "--json") for s in ("alerts", "api")}
    return {scope: json.loads(ended(process)[1])["secret"] for scope, process in making.items()}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def incidents(ours: Instance, tokens: dict[str, str], service: str) -> Any:
    """Return the service's incidents, or nothing while the pages are being started again."""
    try:
        found = httpx.get(f"{ours.url}/api/v1/incidents?service={service}", headers=bearer(tokens["api"]), timeout=10)
    except httpx.TransportError:
        return None
    return found.json() if found.status_code == 200 else None


def send_alert(ours: Instance, secret: str, service: str) -> httpx.Response:
    """Send what `amtool alert add` sends."""
    alert = {
        "labels": {"alertname": "DiscoCheio", "service": service, "severity": "critical"},
        "annotations": {"summary": f"Disco cheio em {service}"},
        "startsAt": "0001-01-01T00:00:00.000Z",
        "endsAt": "0001-01-01T00:00:00.000Z",
        "generatorURL": "",
    }
    return httpx.post(f"{ours.url}/api/v2/alerts", json=[alert], headers=bearer(secret), timeout=10)


def test_an_incident_opened_from_the_page_pages_whom_your_file_names(
    ours: Instance, mail: Mail, tokens: dict[str, str]
) -> None:
    link = ours.said("login-link", "eu@example.com")
    with httpx.Client(base_url=ours.url, follow_redirects=True, timeout=10) as browser:
        submit(browser, link, {})
        opened = submit(
            browser, "/incidents/new/", {"title": "Pedidos falham", "service": "minha-api", "severity": "high"}
        )
        assert "Pedidos falham" in opened.text
        assert re.search(r"/incidents/\d+/$", str(opened.url))
        # The link worked once.
        assert httpx.post(link, timeout=10).status_code in (403, 404)
    assert incidents(ours, tokens, "minha-api")[0]["source"] == "person"
    eventually(lambda: mail.about("Pedidos falham"))


def submit(browser: httpx.Client, path: str, fields: dict[str, str]) -> httpx.Response:
    """Open a page with a form, fill it in and send it, as a browser does."""
    page = browser.get(path)
    secret = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert secret, page.text[:500]
    sent = browser.post(path, data={**fields, "csrfmiddlewaretoken": secret[1]})
    assert sent.status_code == 200, (path, sent.status_code, sent.text[:500])
    return sent


def test_an_alert_as_amtool_sends_it_opens_an_incident(ours: Instance, tokens: dict[str, str]) -> None:
    assert send_alert(ours, tokens["alerts"], "outra-api").status_code == 200
    (found,) = eventually(lambda: incidents(ours, tokens, "outra-api"))
    assert (found["source"], found["severity"], found["title"]) == ("alert", "critical", "Disco cheio em outra-api")


def test_wrong_input_is_told_clearly_and_changes_nothing(
    ours: Instance, tokens: dict[str, str], tmp_path: Path
) -> None:
    bad = tmp_path / "bonanca.yaml"
    bad.write_text(YOURS.replace("team: time}\n", "team: nobody}\n", 1))
    torn = tmp_path / "torn.yaml"
    torn.write_text("version: 1\nteams: [\n")
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    before = ours.rows()
    # Everybody at once: each is a process of its own.
    cases = [
        (2, r"bonanca\.yaml:5: .*nobody", ours.spawn("apply", str(bad))),
        (2, r"torn\.yaml:\d+", ours.spawn("apply", str(torn))),
        (3, r"no service nope.*\n.*bonanca apply", ours.spawn("incident", "open", "Caiu", "--service", "nope")),
        (3, "no service nope", ours.spawn("change", "propose", "nope", "v1")),
        (6, "database does not answer", ours.spawn("incident", "list", DATABASE_URL=nowhere)),
        (6, "database", ours.spawn("up", BONANCA_HOME=str(tmp_path / "other"), DATABASE_URL=nowhere)),
        (2, "must begin with postgresql://", ours.spawn("incident", "list", DATABASE_URL="mysql://x/y")),
        (2, "severity", ours.spawn("incident", "open", "Caiu", "--service", "minha-api", "--severity", "awful")),
    ]
    for code, words, process in cases:
        got, output, errors = ended(process)
        assert (got, output if got == 0 else "") == (code, ""), (process.args, output, errors)
        assert re.search(words, errors), (process.args, errors)
        assert "Traceback" not in errors
    assert ours.rows() == before


def test_a_wrong_token_is_refused_in_json_and_changes_nothing(ours: Instance, tokens: dict[str, str]) -> None:
    before = ours.rows()
    body = {"title": "Caiu", "service": "minha-api", "severity": "high"}
    for secret in ("bnc_wrong", tokens["alerts"]):
        refused = httpx.post(f"{ours.url}/api/v1/incidents", json=body, headers=bearer(secret), timeout=10)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthenticated")
    for secret in ("bnc_wrong", tokens["api"]):
        assert send_alert(ours, secret, "minha-api").status_code == 401
    assert ours.rows() == before


def test_a_taken_port_is_told_and_starts_nothing(ours: Instance, tmp_path: Path) -> None:
    before, home = ours.rows(), tmp_path / "second"
    code, _, errors = ours.run("up", "--no-gateway", "--port", str(ours.state["port"]), BONANCA_HOME=str(home))
    assert code not in (0, 1)
    assert f"Port {ours.state['port']} on 127.0.0.1 is taken" in errors
    assert not (home / "postgres").exists()
    assert ours.rows() == before


def test_a_page_whose_sender_was_killed_is_sent_again_under_its_old_message_id(ours: Instance, mail: Mail) -> None:
    mail.hold = "Fila parada"
    ours.said("incident", "open", "Fila parada", "--service", "minha-api")
    assert mail.held.wait(15)
    worker = ours.pid("worker")
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: ours.pid("worker") not in (0, worker))
    # The claim of a dead sender is believed for 30 s: let them have passed.
    with ours.database() as connection:
        connection.execute(
            "UPDATE notify_message SET claimed_at = claimed_at - interval '1 min' WHERE state = 'sending'"
        )
    first, again = eventually(lambda: len(mail.about("Fila parada")) == 2 and mail.about("Fila parada"), timeout_s=20)
    assert first == again
    eventually(lambda: _state_of(ours, "Fila parada") == "delivered")


def _state_of(ours: Instance, words: str) -> str:
    with ours.database() as connection:
        row = connection.execute("SELECT state FROM notify_message WHERE subject LIKE %s", (f"%{words}%",)).fetchone()
    return str(row[0]) if row else ""


def test_an_alert_that_was_taken_survives_the_death_of_everything(ours: Instance, tokens: dict[str, str]) -> None:
    # Nobody may react before the kill: what is found afterwards was on disk.
    os.kill(ours.pid("worker"), signal.SIGSTOP)
    dying = {part: ours.pid(part) for part in ("web", "worker", "database")}
    assert send_alert(ours, tokens["alerts"], "terceira-api").status_code == 200
    for pid in dying.values():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: all(ours.pid(part) not in (0, pid) for part, pid in dying.items()), timeout_s=30)
    (found,) = eventually(lambda: incidents(ours, tokens, "terceira-api"), timeout_s=30)
    assert found["title"] == "Disco cheio em terceira-api"
    alerts = httpx.get(f"{ours.url}/api/v1/alerts?service=terceira-api", headers=bearer(tokens["api"]), timeout=10)
    assert [alert["state"] for alert in alerts.json()] == ["firing"]
