"""The ledger: one message for one reason, and what a person decides about one that was not certainly delivered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bonanca.access.actors import person
from bonanca.kernel import audit
from bonanca.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from bonanca.notify import queries
from bonanca.notify.models import Message
from bonanca.notify.operations.enqueue_message import enqueue_message
from bonanca.notify.operations.resend import resend
from bonanca.notify.state import TRANSITIONS, MessageState
from tests.support.loja import NOW
from tests.support.traces import nothing_happens, together

pytestmark = pytest.mark.django_db
MESSAGE = {
    "key": "page:1:ana",
    "channel": "email",
    "to": "ana@loja.example",
    "subject": "[CRITICAL] INC-1",
    "body": "Ana, you are on call.",
    "purpose": "page",
}


def queued(**changes: Any) -> queries.LedgerView:
    return enqueue_message(**{**MESSAGE, **changes}, now=NOW)


def test_a_message_waits_for_the_worker(db: None) -> None:
    found = queued()
    assert (found.state, found.attempts, found.queued_at, found.delivered_at) == ("queued", 0, NOW, None)
    assert queries.messages(prefix="page:") == (found,)
    assert queries.messages(prefix="update:") == ()


def test_the_same_reason_is_one_message(db: None) -> None:
    first = queued()
    with nothing_happens():
        assert queued(body="other words", to="beto@loja.example") == first


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"channel": "pigeon"}, "channel"),
        ({"purpose": "fun"}, "purpose"),
        ({"to": "ana"}, "to"),
        ({"to": "ana@loja.example\nBcc: all@loja.example"}, "to"),
        ({"to": "ana@loja.example, beto@loja.example"}, "to"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_field(changes: dict[str, str], field: str) -> None:
    with nothing_happens(), pytest.raises(Invalid) as refused:
        queued(**changes)
    assert refused.value.field == field


def test_a_subject_is_one_line_of_bounded_length(db: None) -> None:
    hostile = queued(subject="INC-1\r\nBcc: all@loja.example\u2028X: y\x0b" + "x" * 400)
    assert hostile.subject.startswith("INC-1 Bcc: all@loja.example X: y x")
    assert len(hostile.subject) == 300
    assert hostile.subject.isprintable()


@pytest.mark.django_db(transaction=True)
def test_two_who_enqueue_at_once_make_one_message() -> None:
    first, second = together(queued, queued)
    assert first == second
    assert Message.objects.count() == 1


@pytest.mark.parametrize("state", ["failed", "unknown"])
def test_a_commander_has_it_sent_again_under_its_old_name(owner: Any, state: str) -> None:
    before = queued()
    name = Message.objects.get().message_id
    Message.objects.update(state=state, attempts=10, last_error="550")
    assert [m.id for m in queries.needing_a_person()] == [before.id]
    resend(before.id, actor=person(owner), now=NOW + timedelta(hours=1))
    again = Message.objects.get()
    assert (again.state, again.attempts, again.message_id) == ("queued", 0, name)
    assert queries.needing_a_person() == ()
    assert [e.actor for e in audit.history(f"message:{before.id}")] == ["person:ana@loja.example"]


@pytest.mark.parametrize("state", ["queued", "sending", "delivered"])
def test_what_is_on_its_way_is_not_sent_again(owner: Any, state: str) -> None:
    found = queued()
    Message.objects.update(state=state)
    with nothing_happens():
        with pytest.raises(Conflict):
            resend(found.id, actor=person(owner), now=NOW)
        with pytest.raises(NotFound):
            resend(uuid4(), actor=person(owner), now=NOW)


def test_only_a_commander_decides(member: Any, stranger: Any) -> None:
    found = queued()
    Message.objects.update(state="failed")
    with nothing_happens():
        for who in (member, stranger):
            with pytest.raises(NotAllowed):
                resend(found.id, actor=person(who), now=NOW)


def test_every_state_is_in_the_machine() -> None:
    assert set(TRANSITIONS) == set(MessageState)
