"""What was measured, on which machine: a table for people, JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measures import Chapter


@dataclass
class Report:
    """Written after each chapter, so that an interrupted run leaves what it has."""

    scale: int
    rounds: int
    seed: int
    versions: dict[str, str]
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    database_bytes: int = 0
    chapters: list[Chapter] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)

    def add(self, chapter: Chapter) -> None:
        self.chapters.append(chapter)
        self.loads.append(os.getloadavg()[0])

    def write(self, folder: Path) -> Path:
        """Returns the page."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"bench-{self.began:%Y-%m-%d}-scale-{self.scale}"
        (folder / f"{name}.json").write_text(json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n")
        page = folder / f"{name}.md"
        page.write_text(self.to_markdown())
        return page

    def to_json(self) -> dict[str, Any]:
        return {
            "began": self.began.isoformat(),
            "machine": machine(),
            "load_average": [round(load, 1) for load in self.loads],
            "versions": self.versions,
            "scale": self.scale,
            "rounds": self.rounds,
            "seed": self.seed,
            "database_bytes": self.database_bytes,
            "chapters": [chapter.to_json() for chapter in self.chapters],
        }

    def to_markdown(self) -> str:
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        loads = f"{min(self.loads):.1f} to {max(self.loads):.1f}" if self.loads else "unknown"
        lines = [
            f"# Bench of {self.began:%Y-%m-%d}, scale {self.scale}",
            "",
            f"A database of {self.database_bytes / 1e6:.0f} MB (pgbench, seed {self.seed}), {self.rounds} rounds; in"
            " each, all contenders of a chapter take turns. Seconds are of this machine under whatever else it did"
            f" meanwhile (load average {loads}): the ratios within a chapter are what counts.",
            "",
            f"Machine: {machine()}. {versions}.",
            f"Again: `make bench ARGS='--scale {self.scale} --rounds {self.rounds} --seed {self.seed}'`.",
        ]
        for chapter in self.chapters:
            lines += ["", *_chapter(chapter)]
        return "\n".join(lines) + "\n"


def machine() -> str:
    """Kernel, processors and memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = platform.python_version()
    return f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs, {memory:.1f} GiB, Python {python}"


def _chapter(chapter: Chapter) -> list[str]:
    lines = [f"## {chapter.title}", "", chapter.explanation, "", "| | median s | least | most | notes |"]
    lines.append("|---|---:|---:|---:|---|")
    for one in chapter.measured:
        if one.seconds:
            facts = ", ".join(f"{key} {value}" for key, value in one.facts[-1].items())
            seconds = " | ".join(f"{value:.2f}" for value in (one.median, min(one.seconds), max(one.seconds)))
            lines.append(f"| {one.name} | {seconds} | {facts} |")
    if chapter.aims:
        lines += ["", "| asked | measured | met |", "|---|---|---|"]
    for aim in chapter.aims:
        value = chapter.value(aim)
        measured = "not run" if value is None else f"{value:.2f} {'×' if aim.peer else 's'}"
        met = "—" if value is None else "yes" if value <= aim.limit else "**no**"
        lines.append(f"| {aim.words} ({aim.contender}) | {measured} | {met} |")
    return [*lines, *(f"\n{note}" for note in chapter.notes)]
