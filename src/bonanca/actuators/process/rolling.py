"""Restart and stop a whole service, replica after replica, once per idempotency key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from bonanca.actuators.process.health import answer
from bonanca.actuators.process.local import NotStarted, find, start, stop, until_healthy
from bonanca.actuators.process.record import STOPPED, Record
from bonanca.actuators.process.spec import ProcessSpec, Replica

# (share done between 0 and 1, what happens now)
Progress = Callable[[float, str], None]


def current(spec: ProcessSpec) -> Path:
    """The folder of the current release, links resolved, so that a running replica keeps its own when it moves.

    Raises:
        NotStarted: there is no current release.
    """
    link = spec.root / "current"
    try:
        return link.resolve(strict=True)
    except FileNotFoundError as error:
        raise NotStarted(_("%(link)s: there is no current release to run.") % {"link": link}) from error


def restart_all(
    spec: ProcessSpec,
    *,
    key: str,
    now: datetime,
    progress: Progress,
    pulse: Callable[[], None],
    release: Path | None = None,
) -> list[Record]:
    """Stop, start and wait for each replica in turn; one that this key has restarted already is left alone.

    Replicas run from `release`, else from `current`. A replica that fails ends the roll: those after it go on
    running what they ran.

    Raises:
        NotStarted: a replica did not start or was not healthy in time.
    """
    place = release or current(spec)
    done = []
    for index, replica in enumerate(spec.replicas):
        name = spec.name(replica)
        progress(index / len(spec.replicas), name)
        record = find(spec.root, name)
        if record is None or record.key != key or record.pid is None:
            pulse()
            stop(spec, replica, key=key)
            start(spec, replica, key=key, release=place, now=now)
        until_healthy(spec, replica, pulse=pulse)
        done.append(_known(spec, replica))
    progress(1.0, "")
    return done


def restarted(spec: ProcessSpec, key: str) -> list[Record] | None:
    """The replicas, when this key has restarted every one of them and each is well; else None."""
    records = []
    for replica in spec.replicas:
        record = find(spec.root, spec.name(replica))
        if record is None or record.key != key or record.pid is None:
            return None
        if spec.health is not None and answer(replica, spec.health.path):
            return None
        records.append(record)
    return records


def stop_all(spec: ProcessSpec, *, key: str, progress: Progress, pulse: Callable[[], None]) -> list[Record]:
    """Stop each replica in turn and note that it is meant to be stopped, so that supervision lets it be."""
    done = []
    for index, replica in enumerate(spec.replicas):
        progress(index / len(spec.replicas), spec.name(replica))
        pulse()
        done.append(stop(spec, replica, key=key))
    progress(1.0, "")
    return done


def stopped(spec: ProcessSpec, key: str) -> list[Record] | None:
    """The replicas, when this key has stopped every one of them; else None."""
    records = [find(spec.root, spec.name(replica)) for replica in spec.replicas]
    known = [record for record in records if record is not None and record.key == key]
    if len(known) < len(records) or any(record.wanted != STOPPED or record.pid is not None for record in known):
        return None
    return known


def facts(records: list[Record]) -> list[dict[str, Any]]:
    """Replicas for a receipt: what runs now, from which release, and from which before (null: it did not run)."""
    return [
        {
            "name": record.name,
            "port": record.port,
            "pid": record.pid,
            "release": record.release,
            "before": record.before,
        }
        for record in records
    ]


def _known(spec: ProcessSpec, replica: Replica) -> Record:
    record = find(spec.root, spec.name(replica))
    if record is None or record.pid is None:
        raise NotStarted(_("%(name)s ended just after it was healthy.") % {"name": spec.name(replica)})
    return record
