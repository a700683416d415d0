"""What pgBackRest says, as values: `info` in JSON, and the words of `verify`, which ends with 0 whatever it found."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# "INFO: invalid checksum '20261128-214356F/pg_data/base/5/2654.zst'", and its like for size, absence and all else.
_FINDING = re.compile(r"INFO: ((?:invalid|file missing|missing)\b.*)")
_BACKUP = re.compile(r"^\s*backup: (\S+), status: ([\w ]+?)(?:, |$)", re.MULTILINE)
_ARCHIVE = re.compile(r"archiveId: (\S+), total WAL checked: (\d+), total valid WAL: (\d+)")
_STATUS = re.compile(r"^status: (\w+)", re.MULTILINE)
_QUOTED = re.compile(r"'([^']+)'")


@dataclass(frozen=True)
class Repository:
    """One of a stanza's repositories. `problem` empty: it can be used. `cipher`: none, or its name."""

    key: int
    cipher: str
    problem: str


@dataclass(frozen=True)
class Kept:
    """A backup in a repository. Sizes in bytes; `size` is the database's, `stored` what this backup added."""

    label: str
    kind: str
    repository: int
    began: datetime
    ended: datetime
    start_lsn: str
    stop_lsn: str
    archive: str
    version: int
    system_identifier: str
    size: int
    stored: int
    error: bool


@dataclass(frozen=True)
class Info:
    """A stanza. `archived` is, for each repository, the last segment that it has."""

    repositories: tuple[Repository, ...]
    backups: tuple[Kept, ...]
    archived: dict[int, str]

    def of(self, repository: int) -> list[Kept]:
        """The backups of one repository, oldest first."""
        return [found for found in self.backups if found.repository == repository]

    def find(self, repository: int, label: str) -> Kept | None:
        return next((found for found in self.of(repository) if found.label == label), None)


@dataclass(frozen=True)
class Verdict:
    """What `verify` found in a repository. `said`: it gave a verdict at all; `damaged` names files, as far as told."""

    ok: bool
    said: bool
    backups: dict[str, str]
    damaged: tuple[str, ...]
    wal_invalid: int
    words: str

    def of(self, label: str) -> str:
        """What is wrong with one backup and the log beside it; empty: nothing is."""
        if not self.said:
            return self.words
        state = self.backups.get(label)
        if state == "valid" and not self.wal_invalid:
            return ""
        if state is None and self.ok:
            return f"{label}: not checked"
        # An incremental backup consists of files of those before it, so that any of them may be what is named.
        named = ", ".join(self.damaged[:5]) + (", …" if len(self.damaged) > 5 else "")
        return f"{label}: {state or 'not checked'}" + (f" ({named})" if named else f" ({self.words})")


def parse_info(text: str, stanza: str) -> Info:
    """The stanza's part of `info --output=json`.

    Raises:
        ValueError: it is not in there, or this is not what pgBackRest writes.
    """
    try:
        found = next(part for part in json.loads(text) if part["name"] == stanza)
        databases = {(one["id"], one["repo-key"]): one for one in found.get("db", [])}
        return Info(
            tuple(
                Repository(one["key"], one["cipher"], "" if _usable(one) else one["status"]["message"].split("\n")[0])
                for one in found.get("repo", [])
            ),
            tuple(_kept(one, databases) for one in found.get("backup", [])),
            {one["database"]["repo-key"]: one["max"] for one in found.get("archive", []) if one.get("max")},
        )
    except StopIteration:
        raise ValueError(f"there is no stanza {stanza}") from None
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"not the output of info: {error}") from error


def parse_verify(text: str) -> Verdict:
    """The words of `verify --output=text --verbose --log-level-console=info`.

    Only a line that says so makes a repository sound: no output, or one that is not understood, is not a verdict.
    """
    states = {label: state.strip() for label, state in _BACKUP.findall(text)}
    archives = [int(checked) - int(valid) for _name, checked, valid in _ARCHIVE.findall(text)]
    status = _STATUS.search(text)
    damaged = []
    for line in _FINDING.findall(text):
        quoted = _QUOTED.search(line)
        damaged.append(quoted[1] if quoted else line.removeprefix("invalid result ").split(": ")[0])
    said = status is not None and (bool(states) or status[1] != "ok")
    words = " ".join(line.strip() for line in text.splitlines() if line.startswith("  ") and ": " not in line[:16])
    return Verdict(
        ok=said
        and status is not None
        and status[1] == "ok"
        and set(states.values()) == {"valid"}
        and not any(archives),
        said=said,
        backups=states,
        damaged=tuple(dict.fromkeys(damaged)),
        wal_invalid=sum(archives),
        words=words.strip()[:300] or "verify gave no verdict",
    )


def _usable(repository: dict[str, Any]) -> bool:
    # 0: ok, 2: it has no backups yet, which the first one changes.
    return repository["status"]["code"] in (0, 2)


def _kept(found: dict[str, Any], databases: dict[tuple[int, int], dict[str, Any]]) -> Kept:
    key = (found["database"]["id"], found["database"]["repo-key"])
    times = found["timestamp"]
    return Kept(
        label=found["label"],
        kind=found["type"],
        repository=found["database"]["repo-key"],
        began=datetime.fromtimestamp(times["start"], UTC),
        ended=datetime.fromtimestamp(times["stop"], UTC),
        start_lsn=(found.get("lsn") or {}).get("start", ""),
        stop_lsn=(found.get("lsn") or {}).get("stop", ""),
        archive=(found.get("archive") or {}).get("stop") or "",
        version=int(float(databases[key]["version"])),
        system_identifier=str(databases[key]["system-id"]),
        size=found["info"]["size"],
        stored=found["info"]["repository"]["delta"],
        error=bool(found.get("error")),
    )
