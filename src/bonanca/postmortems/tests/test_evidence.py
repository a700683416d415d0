"""A draft is made of what was measured: every figure from the record, frozen when it was collected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bonanca.kernel import audit
from bonanca.kernel.errors import NotAllowed, NotFound
from bonanca.postmortems import evidence as collecting
from bonanca.postmortems.evidence import Evidence, RowsFact, collect
from bonanca.postmortems.operations.draft_postmortem import draft_postmortem
from bonanca.postmortems.queries import by_number, evidence_of, postmortem_of, postmortems
from bonanca.postmortems.tests.storm import BEGAN, after, storm
from bonanca.ui.phrases import said
from tests.support.loja import NOW, Shop
from tests.support.traces import events, nothing_happens, together

pytestmark = pytest.mark.django_db


def test_every_figure_is_measured(shop: Shop) -> None:
    incident = storm(shop)
    with nothing_happens():
        found = collect(incident.id, after(121))
    assert (found.number, found.service_name, found.commander) == (1, "Loja", "Ana Souza")
    assert (found.started_at, found.resolved_at) == (BEGAN, after(120))
    assert found.detection.summary == "Loja responde: 30 % of requests fail"
    seconds = found.detection
    assert (seconds.detect_s, seconds.page_s, seconds.acknowledge_s) == (10.0, 12.0, 20.0)
    assert (seconds.contain_s, seconds.restore_s) == (30.0, 60.0)
    assert (found.impact.total, found.impact.failed, found.impact.contained) == (600, 120, 40)
    [spent] = found.budgets
    assert (spent.slo, spent.objective, spent.status) == ("loja-availability", 99.0, "freeze")
    assert spent.spent_by_incident_percent is not None
    # 120 of 1200 requests in the window, where 12 were allowed to fail.
    assert spent.spent_by_incident_percent == pytest.approx(1000, rel=0.02)
    assert (found.containments, said(found.rollback)) == (["/checkout"], "Loja back to before v2")
    assert found.rows is None
    assert max(p.error_ratio or 0 for p in found.points) == pytest.approx(0.3, abs=0.05)


def test_the_suspect_is_named_with_its_reasons_and_contents(shop: Shop) -> None:
    suspect = collect(storm(shop).id, after(121)).suspect
    assert suspect is not None
    assert (suspect.label, suspect.title, suspect.version) == ("CHG-1", "Release v2", "v2")
    [commit] = suspect.commits
    assert (shop.sha("v2").startswith(commit.split()[0]), commit.endswith(" Version v2")) == (True, True)
    assert suspect.files == ["app.py (+1 −1)", "deploy/loja.toml (+1 −1)"]
    assert len(suspect.reasons) == 3


def test_where_nothing_was_recorded_nothing_is_claimed(shop: Shop) -> None:
    incident = shop.open(service="estoque-api", actor=shop.ana)
    found = collect(incident.id, NOW + timedelta(minutes=5))
    assert (found.suspect, found.budgets, found.points, found.rollback, found.rows) == (None, [], [], "", None)
    assert (found.detection.summary, found.detection.page_s, found.detection.restore_s) == ("", None, None)
    assert (found.impact.total, found.resolved_at) == (0, None)
    with pytest.raises(NotFound):
        collect(uuid4(), NOW)


def test_rows_that_were_set_aside_are_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    kept = SimpleNamespace(kept_database="loja_kept", counts={"applied": 3, "conflict": 1})
    monkeypatch.setattr(collecting, "set_aside_of_run", lambda run_id: kept)
    assert collect(storm(shop).id, after(121)).rows == RowsFact("loja_kept", {"applied": 3, "conflict": 1})


def test_a_draft_keeps_its_evidence_frozen(shop: Shop) -> None:
    incident = storm(shop)
    made = draft_postmortem(incident.id, actor=shop.beto, now=after(130))
    assert (made.number, made.state, made.title) == (1, "draft", "Checkout fails")
    assert postmortem_of(incident.id) == by_number(1) == made
    assert postmortems() == (made,)
    found = evidence_of(made.id)
    assert isinstance(found, Evidence)
    assert found == collect(incident.id, after(130))
    [event] = events("postmortems.postmortem.drafted")
    assert event["postmortem_id"] == str(made.id)
    assert [e.actor for e in audit.history(f"postmortem:{made.id}")] == ["person:beto@loja.example"]


def test_drafting_again_refreshes_a_draft_and_never_what_people_published(shop: Shop) -> None:
    from bonanca.incidents.operations.record_timeline import add_note
    from bonanca.postmortems.models import Postmortem

    incident = shop.open()
    first = draft_postmortem(incident.id, actor=shop.ana, now=NOW)
    add_note(incident.id, text="one more thing", actor=shop.ana, now=NOW)
    again = draft_postmortem(incident.id, actor=shop.ana, now=NOW + timedelta(hours=1))
    assert (again.id, again.drafted_at) == (first.id, NOW + timedelta(hours=1))
    assert evidence_of(first.id).timeline[-1].text == "one more thing"
    Postmortem.objects.update(state="published")
    add_note(incident.id, text="too late", actor=shop.ana, now=NOW)
    draft_postmortem(incident.id, actor=shop.ana, now=NOW + timedelta(hours=2))
    assert evidence_of(first.id).timeline[-1].text == "one more thing"
    assert len(events("postmortems.postmortem.drafted")) == 1


def test_outsiders_draft_nothing(shop: Shop) -> None:
    incident = shop.open()
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                draft_postmortem(incident.id, actor=outsider, now=NOW)
        with pytest.raises(NotFound):
            draft_postmortem(uuid4(), actor=shop.ana, now=NOW)
        with pytest.raises(NotFound):
            by_number(1)
        with pytest.raises(NotFound):
            evidence_of(uuid4())


@pytest.mark.django_db(transaction=True)
def test_two_who_draft_at_once_make_one(shop: Shop) -> None:
    incident = shop.open()
    made: list[Any] = together(*(lambda: draft_postmortem(incident.id, actor=shop.ana, now=NOW) for _ in range(2)))
    assert made[0].id == made[1].id
    assert len(postmortems()) == len(events("postmortems.postmortem.drafted")) == 1
