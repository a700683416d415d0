"""Messages leave through a real SMTP server: once, again after a failure, and never silently not."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.core.mail import BadHeaderError
from django.db import connection

from bonanca.notify.channels.email import send
from bonanca.notify.models import Message
from bonanca.notify.operations import send_due as sending
from bonanca.notify.operations.enqueue_message import enqueue_message
from bonanca.notify.operations.send_due import CLAIM_S, MAX_ATTEMPTS, send_due
from bonanca.notify.queries import LedgerView, needing_a_person
from bonanca.notify.tests.mail_server import MailServer
from tests.support.loja import NOW
from tests.support.poll import eventually
from tests.support.traces import events

pytestmark = pytest.mark.django_db(transaction=True)


def queued(to: str = "ana@loja.example", *, purpose: str = "page", key: str = "k", body: str = "Olá") -> LedgerView:
    return enqueue_message(
        key=f"{key}:{to}", channel="email", to=to, subject="Atenção: caixa", body=body, purpose=purpose, now=NOW
    )


def claimed_long_ago() -> None:
    """Its sender took it and died."""
    Message.objects.update(state="sending", claimed_at=NOW - timedelta(seconds=CLAIM_S + 1), attempts=1)


def test_a_message_arrives_and_is_told(mail: MailServer) -> None:
    found = queued(body="Ação: veja http://127.0.0.1:8000/incidents/1/")
    assert send_due(NOW) == 1
    [received] = mail.received
    assert (received["To"], received["Subject"]) == ("ana@loja.example", "Atenção: caixa")
    assert "Ação: veja http" in received.get_content()
    row = Message.objects.get()
    assert (row.state, row.attempts, row.delivered_at) == ("delivered", 1, NOW)
    assert received["Message-ID"] == row.message_id
    assert received["Auto-Submitted"] == "auto-generated"
    [event] = events("notify.message.delivered")
    assert (event["message_id"], event["key"], event["to"]) == (str(found.id), found.key, "ana@loja.example")
    assert send_due(NOW + timedelta(days=1)) == 0
    assert len(mail.received) == 1


LINK = "http://127.0.0.1:8000/recovery/approve/abc:def/"


def test_a_secret_reaches_its_reader_and_stays_nowhere(mail: MailServer) -> None:
    words = "Motivo: veja https://evil.example/?x=••• e https://evil.example/?x={secret}\n\nAqui:\n"
    mine = {"channel": "email", "to": "ana@loja.example", "subject": "s", "purpose": "page", "now": NOW, "secret": LINK}
    found = enqueue_message(key="k", body=words, **mine)
    assert LINK not in found.body
    assert send_due(NOW) == 1
    told = mail.received[0].get_content()
    # On a line of its own, once: nothing that a person wrote can carry it elsewhere.
    assert [line for line in told.splitlines() if "approve" in line] == [LINK]
    row = Message.objects.get()
    assert (row.secret, row.body) == ("", words)


def test_the_secret_of_a_message_that_never_arrived_is_forgotten(mail: MailServer) -> None:
    mail.answers["nobody@loja.example"] = "550 no such mailbox"
    enqueue_message(
        key="k", channel="email", to="nobody@loja.example", subject="s", body="b", purpose="page", now=NOW, secret=LINK
    )
    send_due(NOW)
    assert Message.objects.get().secret == LINK  # a person may have it sent again
    send_due(NOW + timedelta(days=2))
    assert Message.objects.get().secret == ""


@pytest.mark.parametrize(
    "subject", ["Loja", "Loja: tudo cai " * 12, "Loja: 30 % das requisições falham, o orçamento queima " * 3, "é" * 200]
)
def test_a_subject_arrives_as_it_was_written_however_long(mail: MailServer, subject: str) -> None:
    subject = f"[CRITICAL] INC-1 {subject.strip()}"
    send("ana@loja.example", subject, "Olá", "<1@loja.example>")
    assert [received["Subject"] for received in mail.received] == [subject]


def test_a_plain_subject_is_sent_in_plain_letters(mail: MailServer) -> None:
    send("ana@loja.example", "[HIGH] INC-1 Pedidos falham", "Olá", "<1@loja.example>")
    assert b"Subject: [HIGH] INC-1 Pedidos falham\r\n" in mail.raw[0]


def test_a_subject_of_two_lines_is_refused(mail: MailServer) -> None:
    with pytest.raises(BadHeaderError):
        send("ana@loja.example", "Loja\r\nBcc: all@loja.example", "Olá", "<1@loja.example>")
    assert mail.received == []


def test_the_moment_of_delivery_is_when_the_server_took_it(mail: MailServer) -> None:
    queued()
    taken = NOW + timedelta(seconds=3)
    clock = iter([NOW, taken, taken])
    send_due(NOW, clock=lambda: next(clock))
    assert Message.objects.get().delivered_at == taken
    assert [event["at"] for event in events("notify.message.delivered")] == ["2026-03-12T17:36:30Z"]


def test_a_refusal_for_good_is_not_tried_again_and_waits_for_a_person(mail: MailServer) -> None:
    mail.answers["nobody@loja.example"] = "550 no such mailbox"
    queued("nobody@loja.example")
    queued("ana@loja.example")
    assert send_due(NOW) == 1
    [failed] = needing_a_person()
    assert (failed.to, failed.state, failed.attempts) == ("nobody@loja.example", "failed", 1)
    assert "550" in failed.last_error
    assert "no such mailbox" in failed.last_error
    [event] = events("notify.message.failed")
    assert event["to"] == "nobody@loja.example"
    assert send_due(NOW + timedelta(days=1)) == 0


def test_a_refusal_for_now_is_tried_again_later_each_time(mail: MailServer) -> None:
    mail.answers["ana@loja.example"] = "451 try again later"
    queued()
    assert send_due(NOW) == 0
    assert send_due(NOW + timedelta(seconds=0.5)) == 0
    row = Message.objects.get()
    assert (row.state, row.attempts, row.next_attempt_at) == ("queued", 1, NOW + timedelta(seconds=1))
    send_due(NOW + timedelta(seconds=1))
    row.refresh_from_db()
    assert (row.attempts, row.next_attempt_at) == (2, NOW + timedelta(seconds=3))
    del mail.answers["ana@loja.example"]
    assert send_due(NOW + timedelta(seconds=3)) == 1
    assert len(mail.received) == 1
    assert events("notify.message.failed") == []


def test_a_server_that_is_down_loses_nothing(mail: MailServer) -> None:
    mail.stop()
    queued()
    now = NOW
    for _ in range(MAX_ATTEMPTS):
        assert send_due(now) == 0
        now += timedelta(minutes=3)
    [failed] = needing_a_person()
    assert failed.attempts == MAX_ATTEMPTS
    assert "cannot be reached" in failed.last_error
    assert len(events("notify.message.failed")) == 1


def test_a_message_refused_after_its_words_is_not_taken_for_delivered(mail: MailServer) -> None:
    mail.on_data = lambda: "554 spam"
    queued()
    assert send_due(NOW) == 0
    assert "554" in Message.objects.get().last_error


@pytest.mark.parametrize("purpose", ["page", "internal"])
def test_a_page_of_a_dead_sender_is_sent_again_under_the_same_name(mail: MailServer, purpose: str) -> None:
    queued(purpose=purpose)
    name = Message.objects.get().message_id
    claimed_long_ago()
    assert send_due(NOW) == 1
    [received] = mail.received
    assert received["Message-ID"] == name
    assert Message.objects.get().attempts == 2


def test_public_words_of_a_dead_sender_wait_for_a_person(mail: MailServer) -> None:
    queued(purpose="public")
    claimed_long_ago()
    assert send_due(NOW) == 0
    [waiting] = needing_a_person()
    assert (waiting.state, waiting.last_error) == ("unknown", "the sender died while handing it over")
    assert mail.received == []


def test_a_clock_that_was_set_back_makes_no_message_wait(mail: MailServer) -> None:
    queued(key="due an hour ahead")
    queued(key="claimed an hour ahead by one that died")
    ahead = NOW + timedelta(hours=1)
    Message.objects.filter(key__startswith="due").update(next_attempt_at=ahead)
    Message.objects.filter(key__startswith="claimed").update(state="sending", claimed_at=ahead)
    assert send_due(NOW) == 2


def test_the_claim_of_a_living_sender_is_respected(mail: MailServer) -> None:
    queued()
    Message.objects.update(state="sending", claimed_at=NOW - timedelta(seconds=CLAIM_S - 1))
    assert send_due(NOW) == 0


def test_a_sender_that_was_given_up_says_nothing_about_what_is_anothers_now(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> None:
        # Meanwhile another worker has taken it for dead and put it back.
        Message.objects.update(state="queued", next_attempt_at=NOW + timedelta(minutes=1))
        raise sending.CannotDeliver("too late", permanent=True)

    queued()
    monkeypatch.setattr(sending, "deliver", slow)
    assert send_due(NOW) == 0
    assert Message.objects.get().state == "queued"
    assert events("notify.message.failed") == []


def test_two_workers_send_each_message_once(mail: MailServer) -> None:
    for n in range(6):
        queued(key=f"k{n}")
    began = threading.Barrier(2)

    def worker() -> None:
        began.wait(10)
        send_due(NOW)
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(mail.received) == len({m["Message-ID"] for m in mail.received}) == 6
    assert len(events("notify.message.delivered")) == 6


def test_one_that_hangs_does_not_keep_another_worker_from_the_rest(mail: MailServer) -> None:
    released = threading.Event()
    held = iter([True])

    def hold_the_first() -> str:
        if next(held, False):
            released.wait(10)
        return "250 accepted"

    mail.on_data = hold_the_first
    queued(key="a")
    queued(key="b")

    def worker() -> None:
        send_due(NOW)
        connection.close()

    first = threading.Thread(target=worker)
    first.start()
    try:
        eventually(lambda: Message.objects.filter(state="sending").count() == 1)
        # The server's one thread is held by the first: the second message is claimed all the same.
        second = threading.Thread(target=worker)
        second.start()
        eventually(lambda: Message.objects.filter(state="sending").count() == 2)
    finally:
        released.set()
    first.join(30)
    second.join(30)
    assert Message.objects.filter(state="delivered").count() == 2


def test_the_worker_sends(mail: MailServer) -> None:
    from bonanca.notify.worker import send

    queued()
    before = datetime.now(NOW.tzinfo)
    send(before)
    assert Message.objects.get().delivered_at > before
