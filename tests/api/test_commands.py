"""The commands of an incident, on the same world as the API's: what they print, and with which code they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.utils import translation

from bonanca.cli.main import run
from bonanca.kernel.boot import terminal_language

if TYPE_CHECKING:
    from tests.api.world import World

Said = Callable[..., str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command that has to end with `code`, and return what it printed there and on stderr."""

    def say(*arguments: str, code: int = 0) -> str:
        with translation.override("en"):
            ended = run(arguments)
        printed = capsys.readouterr()
        assert ended == code, (arguments, ended, printed)
        return printed.out if code == 0 else printed.out + printed.err

    return say


def test_an_incident_from_its_opening_to_its_closing(world: World, said: Said) -> None:
    assert "INC-3 is open: high (SEV2), detected" in said("incident", "open", "Caiu [tudo]", "--service", "loja-api")
    assert "INC-3" in said("incident", "list")
    assert "acknowledged" in said("incident", "ack", "INC-3")
    assert said("incident", "note", "3", "vi [bold]erros[/bold]")
    assert "critical (SEV1)" in said("incident", "severity", "3", "critical", "--reason", "todos")
    assert "commands INC-3" in said("incident", "commander", "3", "ana@loja.example")
    shown = said("incident", "show", "3")
    assert "Caiu [tudo]" in shown
    assert "vi [bold]erros[/bold]" in shown
    assert "resolved" in said("incident", "resolve", "3", "--reason", "voltou")
    assert "closed" in said("incident", "close", "3")
    assert "it cannot become" in said("incident", "reopen", "3", code=5)
    assert json.loads(said("incident", "show", "3", "--json"))["incident"]["state"] == "closed"
    assert [i["number"] for i in json.loads(said("incident", "list", "--all", "--json"))] == [3, 2, 1]


def test_containing_and_letting_through_again(world: World, said: Said) -> None:
    assert "Say why" in said("incident", "contain", "1", "/cart", code=2)
    assert "/cart is contained until" in said("incident", "contain", "1", "/cart", "--reason", "falha")
    assert said("incident", "uncontain", "1").count("is open again") == 2
    assert "INC-1 has no active containment" in said("incident", "uncontain", "1", code=3)


def test_a_change_and_a_rollback(world: World, said: Said) -> None:
    assert "CHG-1" in said("change", "list")
    assert "bonanca change deploy 1 --wait" in said("change", "show", "CHG-1")
    assert "open" in said("change", "gates", "1")
    assert "there is nothing to take back" in said("rollback", "preview", "1", "--incident", "INC-1", code=5)
    assert str(world.proposed) in said("rollback", "list")
    assert f"bonanca rollback approve {world.proposed} --wait" in said("rollback", "show", str(world.proposed))
    assert "withdrawn" in said("rollback", "withdraw", str(world.proposed))
    assert "withdrawn" in said("rollback", "approve", str(world.proposed), code=5)
    assert "Waits for approval" in said("rollback", "undo", str(world.ended_rollback))
    assert "started: Fidelidade" in said("change", "deploy", "1")


def test_what_was_told_and_what_is_stuck(world: World, said: Said) -> None:
    assert "published about INC-1" in said("status", "say", "1", "Estamos vendo.")
    assert "no service is on the status page" in said("status", "show")
    assert "ana@loja.example" in said("oncall", "who", "loja")
    assert "nothing has been sent yet" in said("message", "list")
    assert "There is no such message" in said("message", "resend", str(world.run), code=3)
    assert "nothing fails" in said("outbox", "list")
    assert "nothing was given up" in said("outbox", "retry", "--all")
    assert "There is no such delivery" in said("outbox", "retry", "1", code=3)
    assert "Name one reaction" in said("outbox", "retry", code=2)


def test_replicas_are_seen_restarted_and_stopped(world: World, said: Said) -> None:
    from bonanca.catalog.queries import get_service
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.record_replicas import record_replicas
    from bonanca.running.state import ReplicaState
    from bonanca.running.views import SeenReplica

    assert "no replica was ever started" in said("service", "status")
    lost = SeenReplica("loja-api-1", 1, ReplicaState.GIVEN_UP, restarts=5, error="it has ended")
    record_replicas(get_service("loja-api"), [lost], now=utc_now())
    assert "bonanca service restart loja-api" in said("service", "status", "loja-api", code=1)
    refused = said("service", "restart", "loja-api", code=2)
    assert "Say why: the reason is kept with the plan. (--reason)" in refused
    assert "loja-api" in said("service", "list")
    assert "There is no service" in said("service", "stop", "nothing", "--reason", "x", code=3)
    assert "started: Restart loja-api: it hangs" in said("service", "restart", "loja-api", "--reason", "it hangs")
    assert "running already" in said("service", "stop", "loja-api", "--reason", "now", code=5)


def test_requests_are_shared_out(world: World, said: Said) -> None:
    assert "is no weight" in said("service", "traffic", "loja-api", "half", "--reason", "x", code=2)
    assert "has no replica" in said("service", "traffic", "loja-api", "2=1", "--reason", "x", code=2)
    assert "started: Share the requests" in said("service", "traffic", "loja-api", "1=1", "--reason", "x")
    assert "one measure at a time" in said("incident", "contain", "1", "--redirect", "--breaker", "5", code=2)
    contained = said("incident", "contain", "1", "--breaker", "30", "--reason", "fails")
    assert "the whole of loja-api is contained until" in contained


@pytest.mark.parametrize("number", ["x", "INC-", "-1", "0", "CHG-1", "99999999999", "١"])
def test_what_names_no_incident_is_refused(said: Said, number: str) -> None:
    said("incident", "show", number, code=2)


def test_the_terminal_chooses_the_language() -> None:
    assert terminal_language({}) == "en"
    assert terminal_language({"LANG": "pt_BR.UTF-8"}) == "pt-br"
    assert terminal_language({"LANG": "pt_PT", "LC_ALL": "C"}) == "en"
    assert terminal_language({"LC_ALL": "de_DE", "BONANCA_LANG": "pt"}) == "pt-br"
