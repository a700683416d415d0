"""Send what the ledger holds: claim, hand over, mark. A crash between any two of these is recognised."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from bonanca.kernel.database import retrying
from bonanca.notify.channels import CannotDeliver, deliver
from bonanca.notify.events import MessageDelivered, MessageFailed
from bonanca.notify.models import Message
from bonanca.notify.state import MessageState, Purpose
from bonanca.outbox.operations.publish import publish

log = structlog.get_logger(__name__)

# Longer than any channel's own time limit: a claim this old belongs to a dead sender.
CLAIM_S = 30.0
MAX_ATTEMPTS = 10
# Longer than any link works.
SECRETS_KEPT = timedelta(days=1)
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 120.0


def send_due(now: datetime, *, clock: Callable[[], datetime] | None = None) -> int:
    """Send every message that is due at `now`; return how many were delivered. One that fails never holds up another.

    A server may take its time: `clock` says when a message was claimed and when it was taken (default: `now`).
    """
    moment = clock or (lambda: now)
    recover_claims(now)
    forget_secrets(now)
    delivered = 0
    while (message := _claim(now, moment())) is not None:
        try:
            deliver(message.channel, message.to, message.subject, _whole(message), message.message_id)
        except CannotDeliver as failure:
            _failed(message, failure, moment())
        else:
            _delivered(message, moment())
            delivered += 1
    return delivered


def _whole(message: Message) -> str:
    return f"{message.body}{message.secret}\n" if message.secret else message.body


@retrying
@transaction.atomic
def forget_secrets(now: datetime) -> int:
    """Forget what undelivered messages were to carry, once it is of no use to anybody; returns of how many."""
    old = Message.objects.filter(queued_at__lt=now - SECRETS_KEPT).exclude(secret="")
    return old.update(secret="")


@retrying
@transaction.atomic
def recover_claims(now: datetime) -> int:
    """Settle what a dead sender left half done: pages are sent again, public words wait for a person."""
    patience = timedelta(seconds=CLAIM_S)
    # A claim that is still to come was made before the clock was set back.
    over = Q(claimed_at__lt=now - patience) | Q(claimed_at__gt=now + patience)
    stale = Message.objects.filter(over, state=MessageState.SENDING)
    unknown = stale.filter(purpose=Purpose.PUBLIC).update(
        state=MessageState.UNKNOWN, last_error="the sender died while handing it over"
    )
    again = stale.exclude(purpose=Purpose.PUBLIC).update(state=MessageState.QUEUED, next_attempt_at=now)
    if unknown or again:
        log.warning("messages of a dead sender", unknown=unknown, again=again)
    return unknown + again


@retrying
@transaction.atomic
def _claim(due: datetime, now: datetime) -> Message | None:
    message = (
        Message.objects.select_for_update(skip_locked=True)
        .filter(_time_has_come(due), state=MessageState.QUEUED)
        .order_by("next_attempt_at", "id")
        .first()
    )
    if message is not None:
        message.state = MessageState.SENDING
        message.claimed_at = now
        message.attempts += 1
        message.save(update_fields=["state", "claimed_at", "attempts"])
    return message


def _time_has_come(due: datetime) -> Q:
    """Or it is further away than any wait is: then it was written by a clock that was set back since."""
    return Q(next_attempt_at__lte=due) | Q(next_attempt_at__gt=due + timedelta(seconds=LONGEST_WAIT_S))


@retrying
@transaction.atomic
def _delivered(message: Message, now: datetime) -> None:
    moved = Message.objects.filter(id=message.id, state=MessageState.SENDING).update(
        state=MessageState.DELIVERED, delivered_at=now, last_error="", secret=""
    )
    if moved:
        publish(
            MessageDelivered(message_id=message.id, key=message.key, purpose=message.purpose, to=message.to, at=now),
            now=now,
        )


@retrying
@transaction.atomic
def _failed(message: Message, failure: CannotDeliver, now: datetime) -> None:
    final = failure.permanent or message.attempts >= MAX_ATTEMPTS
    wait_s = min(FIRST_WAIT_S * 2 ** (message.attempts - 1), LONGEST_WAIT_S)
    moved = Message.objects.filter(id=message.id, state=MessageState.SENDING).update(
        state=MessageState.FAILED if final else MessageState.QUEUED,
        next_attempt_at=now + timedelta(seconds=wait_s),
        last_error=str(failure)[:2000],
    )
    log.error("message not delivered", key=message.key, final=final, error=str(failure))
    if final and moved:
        publish(
            MessageFailed(
                message_id=message.id, key=message.key, purpose=message.purpose, to=message.to, error=str(failure)
            ),
            now=now,
        )
