"""The lives of a reinforced watch and of a re-execution."""

from __future__ import annotations

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class WatchState(TextChoices):
    """`returned`: what was over is back. `ended`: a person stopped looking before the time was over."""

    WATCHING = "watching", _("watching")
    CALM = "calm", _("stayed calm")
    RETURNED = "returned", _("it came back")
    ENDED = "ended", _("ended by a person")


WATCH_TRANSITIONS: Final[dict[WatchState, frozenset[WatchState]]] = {
    WatchState.WATCHING: frozenset({WatchState.CALM, WatchState.RETURNED, WatchState.ENDED}),
    WatchState.CALM: frozenset(),
    WatchState.RETURNED: frozenset(),
    WatchState.ENDED: frozenset(),
}


class Origin(TextChoices):
    """Why a service is watched."""

    ROLLBACK = "rollback", _("after a rollback")
    INCIDENT = "incident", _("after an incident")
    PERSON = "person", _("because somebody asked")


class FindingKind(TextChoices):
    """What tells that it came back."""

    BURN = "burn", _("an objective burns")
    CHECK = "check", _("a check fails")
    TRAFFIC = "traffic", _("requests stay away")
    REPLICA = "replica", _("a replica fails")
    ALERT = "alert", _("an alert fires")


class ReexecutionState(TextChoices):
    """`stopped`: the plan ended before all were done; it can be retried there."""

    LISTED = "listed", _("listed")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    STOPPED = "stopped", _("stopped")
    WITHDRAWN = "withdrawn", _("withdrawn")


REEXECUTION_TRANSITIONS: Final[dict[ReexecutionState, frozenset[ReexecutionState]]] = {
    ReexecutionState.LISTED: frozenset({ReexecutionState.RUNNING, ReexecutionState.WITHDRAWN}),
    ReexecutionState.RUNNING: frozenset({ReexecutionState.DONE, ReexecutionState.STOPPED}),
    # A plan that stopped can be tried again from where it was.
    ReexecutionState.STOPPED: frozenset({ReexecutionState.RUNNING, ReexecutionState.DONE}),
    ReexecutionState.DONE: frozenset(),
    ReexecutionState.WITHDRAWN: frozenset(),
}


class ItemState(TextChoices):
    """`sending`: its key is recorded and it may have been sent; after a kill it is asked again under the same key."""

    CHOSEN = "chosen", _("to do")
    SKIPPED = "skipped", _("skipped")
    SENDING = "sending", _("being done")
    DONE = "done", _("done")
    ALREADY = "already", _("was done already")
    FAILED = "failed", _("failed")


ITEM_TRANSITIONS: Final[dict[ItemState, frozenset[ItemState]]] = {
    ItemState.CHOSEN: frozenset({ItemState.SKIPPED, ItemState.SENDING}),
    ItemState.SKIPPED: frozenset({ItemState.CHOSEN}),
    ItemState.SENDING: frozenset({ItemState.DONE, ItemState.ALREADY, ItemState.FAILED}),
    ItemState.DONE: frozenset(),
    ItemState.ALREADY: frozenset(),
    ItemState.FAILED: frozenset(),
}
# What has its effect: never asked for again.
IN_EFFECT: Final = (ItemState.DONE, ItemState.ALREADY)
