"""The timeline: never edited, each fact once, read in the reader's language; and the suspects beside it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from bonanca.incidents import queries
from bonanca.incidents.operations.record_timeline import MAX_NOTE, IncidentNotFound, add_note, record_timeline
from bonanca.incidents.operations.set_suspects import set_suspects
from bonanca.incidents.queries import SuspectView
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid, NotAllowed
from tests.support.loja import NOW, Shop
from tests.support.traces import nothing_happens

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=5)


def test_a_key_is_recorded_once(shop: Shop) -> None:
    found = shop.open()
    for _ in range(2):
        record_timeline(
            found.id,
            kind="signal",
            text="Alert: %(summary)s",
            facts={"summary": "x"},
            key="k",
            actor=shop.system,
            now=NOW,
        )
    assert [entry.text for entry in queries.timeline(found.id, kind="signal")] == ["Alert: x"]
    assert len(audit.history(f"incident:{found.id}")) == 2


def test_entries_stand_in_the_order_in_which_things_happened(shop: Shop) -> None:
    found = shop.open()
    earlier = NOW - timedelta(minutes=1)
    record_timeline(found.id, kind="action", text="first", at=earlier, actor=shop.system, now=LATER)
    first, second = queries.timeline(found.id)
    assert (first.text, first.at, first.recorded_at) == ("first", earlier, LATER)
    assert second.text.startswith("Incident opened")


def test_nothing_is_recorded_for_an_unknown_incident(shop: Shop) -> None:
    with nothing_happens(), pytest.raises(IncidentNotFound):
        record_timeline(uuid4(), kind="action", text="x", actor=shop.system, now=NOW)


def test_a_note_stays_as_its_author_wrote_it(shop: Shop) -> None:
    found = shop.open()
    words = "100%(s) sure | <b>Incident opened</b>"
    add_note(found.id, text=f" {words}\n", actor=shop.beto, now=LATER)
    [note] = queries.timeline(found.id, kind="note")
    assert (note.text, note.actor, note.written_by_person) == (words, "Beto Lima", True)


@pytest.mark.parametrize("text", ["", " \n ", "x" * (MAX_NOTE + 1)])
def test_an_empty_or_endless_note_is_refused(shop: Shop, text: str) -> None:
    found = shop.open()
    with nothing_happens(), pytest.raises(Invalid) as refused:
        add_note(found.id, text=text, actor=shop.beto, now=LATER)
    assert refused.value.field == "text"


def test_outsiders_leave_no_notes(shop: Shop) -> None:
    found = shop.open()
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                add_note(found.id, text="hello", actor=outsider, now=LATER)


def suspect(title: str) -> SuspectView:
    return SuspectView(uuid4(), title, "v2", NOW, (("it took effect %(seconds)s s before", {"seconds": 7}),))


def test_suspects_are_replaced_and_the_first_is_told_once(shop: Shop) -> None:
    found = shop.open()
    one, two = suspect("One"), suspect("Two")
    set_suspects(found.id, [one, two], actor=shop.system, now=NOW)
    set_suspects(found.id, [one], actor=shop.system, now=NOW)
    assert queries.suspects(found.id) == (one,)
    assert queries.suspects(found.id)[0].reason_texts == ("it took effect 7 s before",)
    assert [e.text for e in queries.timeline(found.id)].count("Suspected change: One") == 1
    set_suspects(found.id, [], actor=shop.system, now=NOW)
    assert queries.suspects(found.id) == ()
    with nothing_happens(), pytest.raises(IncidentNotFound):
        set_suspects(uuid4(), [one], actor=shop.system, now=NOW)
