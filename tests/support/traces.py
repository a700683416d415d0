"""What an operation leaves behind, and what happens when two callers come at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def traces() -> dict[str, list[str]]:
    """Every row of every table of ours, as text: audit entries and events among them."""
    from django.apps import apps

    return {
        model._meta.label: sorted(str(sorted(row.items())) for row in model._base_manager.values())
        for model in apps.get_models()
        if model.__module__.startswith("bonanca.")
    }


@contextmanager
def nothing_happens() -> Iterator[None]:
    """The block leaves no row, no audit entry and no event behind, and changes none."""
    before = traces()
    yield
    after = traces()
    assert {label: rows for label, rows in after.items() if rows != before[label]} == {}


def together(*functions: Callable[[], Any]) -> list[Any]:
    """Call each function in a thread of its own, all at the same moment; what one raises is its result."""
    from django.db import connection

    barrier = threading.Barrier(len(functions))
    outcomes: list[Any] = [None] * len(functions)

    def call(place: int) -> None:
        try:
            barrier.wait(10)
            outcomes[place] = functions[place]()
        except Exception as problem:  # noqa: BLE001 - the test looks at it
            outcomes[place] = problem
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(place,)) for place in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes


def events(name: str) -> list[dict[str, Any]]:
    """The payloads of the events of that name (without the version), in order."""
    from bonanca.outbox.models import OutboxEvent

    return [row.payload for row in OutboxEvent.objects.filter(name=f"{name}.v1").order_by("occurred_at", "id")]


def deliver(now: Any) -> None:
    """Let every reaction happen, and what follows from it; none may fail."""
    from bonanca.outbox.dispatch import dispatch_due
    from bonanca.outbox.queries import failed_deliveries

    while dispatch_due(now):
        pass  # what a reaction publishes is fanned out at the next turn, as in the worker
    assert [(failed.subscriber, failed.error) for failed in failed_deliveries()] == []
