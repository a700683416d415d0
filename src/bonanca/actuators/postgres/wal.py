"""Names and positions of the write-ahead log, and the program that receives it (pg_receivewal)."""

from __future__ import annotations

import re
from dataclasses import dataclass

SEGMENT_BYTES = 16 * 1024 * 1024
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history")
_FORK = re.compile(r"^\s*(\d+)\s+([0-9A-F]+/[0-9A-F]+)", re.MULTILINE)


def lsn_number(lsn: str) -> int:
    """`16/B374D848` → its byte position. Raises ValueError: it is not an LSN."""
    high, _slash, low = lsn.strip().partition("/")
    return (int(high, 16) << 32) | int(low, 16)


def lsn_text(position: int) -> str:
    """A byte position as PostgreSQL writes it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


@dataclass(frozen=True, order=True)
class Segment:
    """One file of the log: `number` counts segments from position 0."""

    timeline: int
    number: int
    bytes: int = SEGMENT_BYTES

    @classmethod
    def parse(cls, name: str, size: int = SEGMENT_BYTES) -> Segment:
        """The segment that a file name means. Raises ValueError: it is not one."""
        if not _SEGMENT.fullmatch(name):
            raise ValueError(name)
        per_log = (1 << 32) // size
        return cls(int(name[:8], 16), int(name[8:16], 16) * per_log + int(name[16:], 16), size)

    @property
    def name(self) -> str:
        per_log = (1 << 32) // self.bytes
        return f"{self.timeline:08X}{self.number // per_log:08X}{self.number % per_log:08X}"


def is_segment(name: str) -> bool:
    """Whether a file name is a complete segment's."""
    return _SEGMENT.fullmatch(name) is not None


def is_history(name: str) -> bool:
    """Whether a file name is a timeline's history."""
    return _HISTORY.fullmatch(name) is not None


def history_name(timeline: int) -> str:
    """The file that says from where a timeline came."""
    return f"{timeline:08X}.history"


def forks(history: str) -> list[tuple[int, int]]:
    """What a history file says: (timeline, position where the next one left it), oldest first."""
    return [(int(timeline), lsn_number(lsn)) for timeline, lsn in _FORK.findall(history)]
