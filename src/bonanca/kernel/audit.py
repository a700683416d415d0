"""Write and verify the audit chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from bonanca.kernel.models import AuditEntry

GENESIS = "0" * 64


@dataclass(frozen=True)
class Broken:
    """A place where the chain does not hold, and why."""

    aggregate: str
    sequence: int
    reason: str


@dataclass(frozen=True)
class AuditView:
    """One entry as shown to people."""

    aggregate: str
    sequence: int
    at: datetime
    actor: str
    action: str
    facts: dict[str, Any]
    hash: str


def record(*, aggregate: str, action: str, actor: str, facts: dict[str, Any], now: datetime) -> str:
    """Append one entry to the aggregate's chain inside the caller's transaction; return its hash.

    `aggregate` is `kind:id`, `actor` an actor's label. Entries of one aggregate are serialised by a
    transaction-level advisory lock, so that two writers cannot both follow the same entry.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an audit entry belongs to the transaction it tells of")
    plain: dict[str, Any] = json.loads(json.dumps(facts, cls=DjangoJSONEncoder))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"audit:{aggregate}"])
    last = AuditEntry.objects.filter(aggregate=aggregate).order_by("-sequence").first()
    sequence = last.sequence + 1 if last else 1
    previous = last.hash if last else GENESIS
    digest = seal(aggregate, sequence, now, actor, action, plain, previous)
    AuditEntry.objects.create(
        aggregate=aggregate,
        sequence=sequence,
        at=now,
        actor=actor,
        action=action,
        facts=plain,
        previous_hash=previous,
        hash=digest,
    )
    return digest


def seal(
    aggregate: str, sequence: int, at: datetime, actor: str, action: str, facts: dict[str, Any], previous: str
) -> str:
    """Return the SHA-256 over a canonical JSON of the entry and the hash before it."""
    content = [aggregate, sequence, at.astimezone(UTC).isoformat(), actor, action, facts, previous]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def verify(aggregate: str | None = None) -> Iterator[Broken]:
    """Yield every place where an entry was changed, removed or inserted out of order."""
    entries = AuditEntry.objects.all()
    if aggregate is not None:
        entries = entries.filter(aggregate=aggregate)
    last: dict[str, tuple[int, str]] = {}
    for entry in entries.order_by("aggregate", "sequence").iterator(chunk_size=2000):
        sequence, previous = last.get(entry.aggregate, (0, GENESIS))
        if entry.sequence != sequence + 1:
            yield Broken(entry.aggregate, entry.sequence, f"entry {sequence + 1} is missing")
        elif entry.previous_hash != previous:
            yield Broken(entry.aggregate, entry.sequence, "it does not follow the entry before it")
        expected = seal(
            entry.aggregate,
            entry.sequence,
            entry.at,
            entry.actor,
            entry.action,
            entry.facts,
            entry.previous_hash,
        )
        if expected != entry.hash:
            yield Broken(entry.aggregate, entry.sequence, "its content was changed after it was written")
        last[entry.aggregate] = (entry.sequence, entry.hash)


def history(aggregate: str) -> tuple[AuditView, ...]:
    """Return the aggregate's entries, oldest first."""
    return tuple(
        AuditView(e.aggregate, e.sequence, e.at, e.actor, e.action, e.facts, e.hash)
        for e in AuditEntry.objects.filter(aggregate=aggregate).order_by("sequence")
    )


def count() -> int:
    """Return how many entries the whole chain has."""
    return AuditEntry.objects.count()
