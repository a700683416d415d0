"""What is known of each replica: one file `<root>/containers/<name>.json`, written before and after each change.

These files (0600) hold environments; receipts, which more people see, name what ran before by the key of the step that
replaced it (`ran_before`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bonanca.actuators.files.atomic import write_atomic
from bonanca.actuators.files.held import read_ours

RUNNING, STOPPED = "running", "stopped"
# How far a change of a replica has come.
REPLACING, STARTING, DONE = "replacing", "starting", "done"
FOLDER, EARLIER = "containers", "earlier"


_PRIVATE = 0o600


@dataclass(frozen=True)
class Before:
    """What a replica ran before a step: the name of its container, and the whole spec to make it again from."""

    container: str
    spec: Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """One replica as it was last decided.

    `wanted` is what it should be, `container` the name of the container that is to run and `spec` what it was made
    from. `key` is the idempotency key of the plan's step that decided it, `before` what ran before that step (None: it
    did not run). The rest is supervision's: `restarted` are the times (epoch) of the restarts that nobody asked for,
    `failures` the bad answers in a row and `failed_at` the last of them, `gave_up_at` since when it waits for a person.
    """

    name: str
    service: str
    port: int
    wanted: str = STOPPED
    phase: str = DONE
    key: str = ""
    container: str = ""
    image: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict)
    before: Before | None = None
    started_at: float | None = None
    restarts: int = 0
    error: str = ""
    restarted: tuple[float, ...] = ()
    failures: int = 0
    failed_at: float | None = None
    gave_up_at: float | None = None

    def but(self, **changes: Any) -> Record:
        """A copy with some fields changed."""
        return replace(self, **changes)

    @property
    def commit(self) -> str:
        """The commit from which what runs was built; empty when that is not known."""
        return str(self.spec.get("commit") or "")


def read_record(root: Path, name: str) -> Record | None:
    """The replica's record, or None when it was never started here.

    Raises:
        LedElsewhere: somebody else has put one there: what a container is started with is not theirs to say.
    """
    found = read_ours(_place(root, name))
    if found is None:
        return None
    raw = json.loads(found)
    known = {part: raw[part] for part in Record.__dataclass_fields__ if part in raw}
    before = known.get("before")
    known |= {"before": Before(**before) if before else None, "restarted": tuple(known.get("restarted", ()))}
    return Record(**known)


def write_record(root: Path, record: Record) -> Record:
    """Replace the record durably; returns it."""
    write_atomic(_place(root, record.name), json.dumps(asdict(record), sort_keys=True).encode(), mode=_PRIVATE)
    return record


def keep_earlier(root: Path, record: Record) -> None:
    """Keep what ran before the record's step, because another step is about to write over the record."""
    if record.key and record.before is not None:
        place = _earlier_place(root, record.name, record.key)
        write_atomic(place, json.dumps(asdict(record.before), sort_keys=True).encode(), mode=_PRIVATE)


def ran_before(root: Path, name: str, key: str) -> Before | None:
    """What the replica ran before the step with this key; None when that is not known here (any more)."""
    record = read_record(root, name)
    if record is not None and record.key == key:
        return record.before
    found = read_ours(_earlier_place(root, name, key))
    return None if found is None else Before(**json.loads(found))


def all_records(root: Path) -> tuple[Record, ...]:
    """Every replica that was ever started in a container below `root`, by name."""
    found = (read_record(root, place.stem) for place in sorted((root / FOLDER).glob("*.json")))
    return tuple(record for record in found if record is not None)


def _place(root: Path, name: str) -> Path:
    return root / FOLDER / f"{name}.json"


def _earlier_place(root: Path, name: str, key: str) -> Path:
    return root / FOLDER / EARLIER / f"{name}.{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
