"""What to do while a service is away: begun, walked through and ended by named people; unpractised, it is no good."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM, Actor, Role
from bonanca.access.models import User
from bonanca.catalog.operations.apply_catalog import apply_catalog
from bonanca.catalog.spec import Catalog, ContingencySpec, ServiceView, TeamSpec
from bonanca.incidents.operations.open_incident import open_incident
from bonanca.kernel.audit import history
from bonanca.kernel.errors import Invalid, NotAllowed, NotFound
from bonanca.outbox.models import OutboxEvent
from bonanca.risks.cli import app
from bonanca.risks.models import ContingencyUse
from bonanca.risks.operations.end_contingency import AlreadyEnded, StepsLeft, end_contingency
from bonanca.risks.operations.start_contingency import ContingencyRunning, start_contingency
from bonanca.risks.operations.tick_step import StepNotOpen, tick_step
from bonanca.risks.queries import ContingencyNotFound, contingencies, get_contingency, services_without
from bonanca.risks.state import Mark, StepState, UseState
from bonanca.risks.views import UseView
from tests.support.loja import NOW
from tests.support.poll import eventually

pytestmark = pytest.mark.django_db

BETO = Actor("person", "beto@loja.example", "Beto", Role.RESPONDER, teams=frozenset({"loja"}))
CAIO = Actor("person", "caio@estoque.example", "Caio", Role.RESPONDER, teams=frozenset({"estoque"}))
PAPER = ContingencySpec(
    slug="papel",
    name="Vender no papel",
    kind="manual",
    when="o checkout fica fora por mais de 10 minutos",
    who="gerente da loja",
    begin=("Pegar o bloco de pedidos", "Avisar o caixa"),
    end=("Digitar os pedidos",),
    exercise_every_days=30,
    max_h=4,
)


@pytest.fixture(autouse=True)
def declared() -> None:
    declare((PAPER,))


def declare(found: tuple[ContingencySpec, ...]) -> None:
    service = ServiceView(slug="loja-api", name="Loja", team_slug="loja", critical=True, contingencies=found)
    stock = ServiceView(slug="estoque-api", name="Estoque", team_slug="estoque")
    teams = (TeamSpec("loja", "Loja"), TeamSpec("estoque", "Estoque"))
    apply_catalog(Catalog(teams, (service, stock)), source="test", actor=SYSTEM("test"), now=NOW)


def incident_of(service: str) -> UUID:
    found = open_incident(title="Caiu", service=service, severity="high", actor=SYSTEM("test"), now=NOW)
    return found.id


def begun(*, exercise: bool = True, **more: Any) -> UseView:
    given: dict[str, Any] = {
        "service": "loja-api",
        "slug": "papel",
        "actor": BETO,
        "now": NOW,
        "exercise": exercise,
        **more,
    }
    return start_contingency(**given)


def walked(use: UseView, outcomes: tuple[str, ...] = ("done", "done", "done"), *, days: float = 0) -> UseView:
    now = NOW + timedelta(days=days)
    for number, outcome in enumerate(outcomes, 1):
        note = "" if outcome == "done" else "o bloco acabou"
        tick_step(use_id=use.id, number=number, outcome=outcome, note=note, actor=BETO, now=now)
    return end_contingency(use_id=use.id, note="", actor=BETO, now=now)


def mark(*, days: float = 0) -> Mark:
    return get_contingency("loja-api", "papel", NOW + timedelta(days=days)).mark


def test_it_counts_once_it_was_walked_through_and_only_for_its_time() -> None:
    assert mark() is Mark.NEVER
    ended = walked(begun())
    assert (ended.state, [step.ended_by for step in ended.steps]) == (UseState.DONE, [BETO.label] * 3)
    assert mark(days=29) is Mark.OK
    assert mark(days=31) is Mark.OVERDUE
    walked(begun(exercise=False, reason="INC-7"), days=20)
    assert mark(days=31) is Mark.OK


def test_an_exercise_in_which_a_step_failed_is_a_mark_until_it_works() -> None:
    walked(begun())
    assert walked(begun(), ("done", "failed", "skipped"), days=1).state is UseState.FAILED
    assert mark(days=2) is Mark.FAILED
    again = begun()
    tick_step(use_id=again.id, number=1, outcome="failed", note="x", actor=BETO, now=NOW)
    assert walked(again, days=3).state is UseState.DONE
    assert mark(days=4) is Mark.OK


def test_an_exercise_in_which_every_step_was_left_out_does_not_count() -> None:
    assert walked(begun(), ("skipped",) * 3).state is UseState.ABANDONED
    assert mark() is Mark.NEVER


@pytest.mark.django_db(transaction=True)
def test_a_step_that_is_ticked_while_it_ends_counts() -> None:
    use = begun()
    for number, outcome in ((1, "done"), (2, "done"), (3, "failed")):
        tick_step(use_id=use.id, number=number, outcome=outcome, note="x", actor=BETO, now=NOW)

    def end() -> UseState:
        try:
            return end_contingency(use_id=use.id, note="", actor=BETO, now=NOW).state
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            tick_step(use_id=use.id, number=3, outcome="done", note="", actor=BETO, now=NOW)
            ending = other.submit(end)
            eventually(lambda: ending.done() or waiting())
        assert ending.result(timeout=20) is UseState.DONE


def waiting() -> bool:
    """Whether somebody waits for a lock of this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_in_earnest_it_is_told_with_its_incident_and_has_an_end_in_sight() -> None:
    incident = incident_of("loja-api")
    begun(exercise=False, reason="o checkout caiu", incident_id=incident)
    told = OutboxEvent.objects.get(name="risks.contingency.started.v1").payload
    assert (told["actor"], told["reason"], told["incident_id"]) == ("Beto", "o checkout caiu", str(incident))
    found = get_contingency("loja-api", "papel", NOW)
    assert found.ends_at_latest == NOW + timedelta(hours=4)
    assert found.running is not None
    assert not found.over_time
    assert get_contingency("loja-api", "papel", NOW + timedelta(hours=5)).over_time
    walked(found.running)
    assert OutboxEvent.objects.get(name="risks.contingency.ended.v1").payload["outcome"] == "done"
    actions = [entry.action for entry in history(f"contingency:{found.running.id}")]
    assert actions == ["contingency.started", *["contingency.ticked"] * 3, "contingency.ended"]


@pytest.mark.parametrize("exercise", [True, False])
def test_it_cannot_be_begun_for_an_incident_of_another_service_or_of_none(exercise: bool) -> None:
    for incident_id, error in ((incident_of("estoque-api"), Invalid), (uuid4(), NotFound)):
        with pytest.raises(error):
            begun(exercise=exercise, reason="o checkout caiu", incident_id=incident_id)
    assert not ContingencyUse.objects.exists()
    assert not OutboxEvent.objects.filter(name="risks.contingency.started.v1").exists()


def test_it_keeps_the_steps_as_they_were_when_it_began() -> None:
    use = begun()
    declare(())
    assert [step.text for step in use.steps] == [*PAPER.begin, *PAPER.end]
    # The service declares nothing any more; what runs can still be ended.
    assert walked(use).state is UseState.DONE
    assert services_without() == (("loja-api", "Loja"),)


def test_what_is_refused_leaves_everything_as_it_was() -> None:
    use = begun()
    for call, error in (
        (lambda: begun(), ContingencyRunning),
        (lambda: begun(exercise=False), Invalid),
        (lambda: begun(actor=CAIO), NotAllowed),
        (lambda: begun(slug="outra"), ContingencyNotFound),
        (lambda: tick_step(use_id=use.id, number=1, outcome="done", note="", actor=CAIO, now=NOW), NotAllowed),
        (lambda: tick_step(use_id=use.id, number=1, outcome="skipped", note=" ", actor=BETO, now=NOW), Invalid),
        (lambda: tick_step(use_id=use.id, number=1, outcome="gone", note="", actor=BETO, now=NOW), Invalid),
        (lambda: tick_step(use_id=use.id, number=9, outcome="done", note="", actor=BETO, now=NOW), StepNotOpen),
        (lambda: end_contingency(use_id=use.id, note="", actor=BETO, now=NOW), StepsLeft),
        (lambda: end_contingency(use_id=use.id, note="", early=True, actor=BETO, now=NOW), Invalid),
    ):
        with pytest.raises(error):
            call()
    (row,) = ContingencyUse.objects.all()
    assert [step.state for step in row.steps.all()] == [StepState.OPEN] * 3
    early = end_contingency(use_id=use.id, note="alarme falso", early=True, actor=BETO, now=NOW)
    assert early.state is UseState.ABANDONED
    with pytest.raises(AlreadyEnded):
        end_contingency(use_id=use.id, note="x", early=True, actor=BETO, now=NOW)
    assert mark() is Mark.NEVER
    assert contingencies(NOW)[0].running is None


def test_from_the_page_through_every_step_and_back() -> None:
    person = User.objects.create(email="ana@loja.example", name="Ana", role="commander")
    browser = Client()
    browser.force_login(person)
    assert "Vender no papel" in browser.get("/contingencies/").content.decode()
    address = "/contingencies/loja-api/papel/"
    assert "Avisar o caixa" in browser.get(address).content.decode()
    assert browser.post(f"{address}start/", {"how": "use", "reason": ""}).headers["Location"] == address
    use = browser.post(f"{address}start/", {"how": "use", "reason": "caiu"}).headers["Location"]
    for number in (1, 2, 3):
        browser.post(f"{use}steps/{number}/", {"outcome": "done"})
    assert "ana@loja.example" in browser.get(use).content.decode()
    browser.post(f"{use}end/", {"how": "end", "note": "faltou caneta"})
    assert "faltou caneta" in browser.get(address).content.decode()
    assert "Vender no papel" in browser.get("/services/loja-api/").content.decode()
    viewer = Client()
    viewer.force_login(User.objects.create(email="vera@loja.example", name="Vera", role="viewer"))
    assert "disabled" in viewer.get(address).content.decode()
    assert viewer.post(f"{address}start/", {"how": "exercise"}).status_code == 403


def test_its_page_leads_to_the_incident_and_says_until_when_it_can_be_kept_up() -> None:
    browser = Client()
    browser.force_login(User.objects.create(email="ana@loja.example", name="Ana", role="commander"))
    use = begun(exercise=False, reason="caiu", incident_id=incident_of("loja-api"))
    page = f"/contingencies/uses/{use.id}/"
    text = browser.get(page).content.decode()
    for words in ("INC-1 Caiu", "0 de 3 etapas", "há mais tempo do que pode ser mantida"):
        assert words in text
    declare(())
    text = browser.get(page).content.decode()
    assert "Avisar o caixa" in text
    assert "pode ser mantida" not in text


def test_the_command_speaks_of_the_same() -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["list", "--check"]).exit_code == 1
    assert "Avisar o caixa" in runner.invoke(app, ["show", "loja-api", "papel"]).output
    use = json.loads(runner.invoke(app, ["start", "loja-api", "papel", "--exercise", "--json"]).stdout)
    for number in ("1", "2", "3"):
        assert runner.invoke(app, ["tick", use["id"], number]).exit_code == 0
    ended = json.loads(runner.invoke(app, ["end", use["id"], "--note", "bom", "--json"]).stdout)
    assert ended["state"] == "done"
    assert "Vender no papel" in runner.invoke(app, ["use", use["id"]]).output
    assert runner.invoke(app, ["list", "--check"]).exit_code == 0
