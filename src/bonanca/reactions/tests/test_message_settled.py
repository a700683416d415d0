"""What became of a page is known where it matters; other messages are nobody's page."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from bonanca.notify.events import MessageDelivered, MessageFailed
from bonanca.notify.queries import messages
from bonanca.oncall.queries import pages_of
from bonanca.reactions.tests.happening import LATER, again, entry, happen, told
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(shop: Shop) -> Any:
    found = shop.open()
    deliver(NOW)
    return found


def delivered(key: str) -> MessageDelivered:
    return MessageDelivered(uuid4(), key, "page", "ana@loja.example", LATER)


def test_a_delivered_message_marks_its_page(shop: Shop, incident: Any) -> None:
    [message] = messages(prefix="page:")
    happen(delivered(message.key))
    again(delivered(message.key))
    assert [page.delivered_at for page in pages_of(incident.id)] == [LATER]
    assert entry(incident.id, "The page to Ana Souza was accepted by the mail server").at == LATER


def test_a_page_that_reached_nobody_is_on_the_timeline(shop: Shop, incident: Any) -> None:
    [message] = messages(prefix="page:")
    failed = MessageFailed(message.id, message.key, "page", message.to, "550 no such mailbox")
    happen(failed)
    again(failed)
    found = entry(incident.id, "could not be delivered")
    assert found.text == "The page to ana@loja.example could not be delivered: 550 no such mailbox"


def test_messages_that_are_no_pages_concern_no_incident(shop: Shop, incident: Any) -> None:
    before = told(incident.id)
    happen(delivered("update:1"))
    happen(MessageFailed(uuid4(), "update:1", "public", "x@loja.example", "550"))
    assert told(incident.id) == before
