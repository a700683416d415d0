"""Where the catalogues lie, and their compilation with Babel."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
LOCALES = ("pt_BR",)  # English is the language of the message ids.


@dataclass(frozen=True)
class Catalogue:
    """One room's messages in one language."""

    room: Path
    locale: str

    @property
    def po(self) -> Path:
        return self.room / "locale" / self.locale / "LC_MESSAGES" / "django.po"

    @property
    def mo(self) -> Path:
        return self.po.with_suffix(".mo")

    @property
    def stale(self) -> bool:
        """Whether the compiled form is missing or older than its source."""
        return not self.mo.exists() or self.mo.stat().st_mtime_ns < self.po.stat().st_mtime_ns


def rooms(package: Path = PACKAGE) -> list[Path]:
    """Return the folder of every room: those of the package, and apps inside a room (actuators/gateway)."""
    found = [folder for folder in sorted(package.iterdir()) if (folder / "__init__.py").exists()]
    for room in list(found):
        found += [inner.parent for inner in sorted(room.glob("*/apps.py"))]
    return found


def catalogues(package: Path = PACKAGE) -> list[Catalogue]:
    """Return every catalogue that exists."""
    every = [Catalogue(room, locale) for room in rooms(package) for locale in LOCALES]
    return [catalogue for catalogue in every if catalogue.po.exists()]


def compile_catalogue(catalogue: Catalogue) -> None:
    """Write the .mo beside its .po, whole or not at all: another process may be reading it."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with catalogue.po.open("rb") as source:
        messages = read_po(source, locale=catalogue.locale, abort_invalid=True)
    handle, name = tempfile.mkstemp(dir=catalogue.mo.parent, suffix=".mo.new")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as target:
            write_mo(target, messages)
        temporary.chmod(0o644)
        # As old as its source: an edit during the compilation stays visible as newer.
        source_time = catalogue.po.stat().st_mtime_ns
        os.utime(temporary, ns=(source_time, source_time))
        temporary.replace(catalogue.mo)
    finally:
        temporary.unlink(missing_ok=True)


def compile_stale(package: Path = PACKAGE, *, everything: bool = False) -> list[Catalogue]:
    """Compile what is missing or out of date and return it. A read-only installation keeps what it was built with.

    Raises:
        PermissionError: a catalogue has never been compiled and cannot be written.
    """
    done = []
    for catalogue in catalogues(package):
        if not (everything or catalogue.stale):
            continue
        try:
            compile_catalogue(catalogue)
        except (PermissionError, OSError):
            if not catalogue.mo.exists():
                raise
            continue
        done.append(catalogue)
    return done
