"""What is known of each replica: one JSON file `<root>/run/<name>.json`, written before and after each change."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bonanca.actuators.files.atomic import write_atomic

RUNNING, STOPPED = "running", "stopped"


@dataclass(frozen=True)
class Record:
    """One replica as it was last decided.

    `wanted` is what it should be; `marker` is in the environment of its processes, so that one whose starter died
    before it could note the pid is found again. `started` is in clock ticks since boot (proc(5)), `started_at` in
    seconds of the epoch, `machine` names the kernel and pid namespace in which the pid means something. `key` is the
    idempotency key of the plan's step that started or stopped it, `before` the release that ran before that step.
    `restarted` are the times (epoch) of the restarts that nobody asked for, `failures` the bad answers to the health
    check in a row and `failed_at` the last of them. `gave_up_at`: it failed too often and waits for a person.
    """

    name: str
    service: str
    port: int
    wanted: str = STOPPED
    marker: str = ""
    key: str = ""
    machine: str = ""
    pid: int | None = None
    started: int | None = None
    started_at: float | None = None
    release: str | None = None
    before: str | None = None
    restarts: int = 0
    error: str = ""
    restarted: tuple[float, ...] = ()
    failures: int = 0
    failed_at: float | None = None
    gave_up_at: float | None = None

    def but(self, **changes: Any) -> Record:
        """A copy with some fields changed."""
        return replace(self, **changes)


def read_record(root: Path, name: str) -> Record | None:
    """The replica's record, or None when it was never started here."""
    try:
        raw = json.loads(_place(root, name).read_bytes())
    except FileNotFoundError:
        return None
    known = {field: raw[field] for field in Record.__dataclass_fields__ if field in raw}
    return Record(**{**known, "restarted": tuple(known.get("restarted", ()))})


def write_record(root: Path, record: Record) -> Record:
    """Replace the record durably; returns it."""
    write_atomic(_place(root, record.name), json.dumps(asdict(record), sort_keys=True).encode())
    return record


def all_records(root: Path) -> tuple[Record, ...]:
    """Every replica that was ever started below `root`, by name."""
    found = (read_record(root, place.stem) for place in sorted((root / "run").glob("*.json")))
    return tuple(record for record in found if record is not None)


def _place(root: Path, name: str) -> Path:
    return root / "run" / f"{name}.json"
