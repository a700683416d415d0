"""Find every message id of a room, in Python and in templates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from babel.messages.extract import extract
from django.utils.translation import templatize

KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# Text of the command line is English only; tests and migrations are seen by nobody who needs another language.
SKIPPED_FOLDERS = {"cli", "tests", "migrations", "locale", "static", "__pycache__"}
SKIPPED_FILES = {"cli.py"}


@dataclass
class Message:
    """One message id and the places that use it. `plural` is None for one without."""

    msgid: str
    plural: str | None
    context: str | None
    places: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str | None, str]:
        return (self.context, self.msgid)


def _files(room: Path, inner_rooms: set[Path]) -> Iterator[Path]:
    for path in sorted(room.rglob("*")):
        if not path.is_file() or path.suffix not in (".py", ".html", ".txt", ".md", ".xml"):
            continue
        parents = set(path.relative_to(room).parts[:-1])
        if parents & SKIPPED_FOLDERS or path.name in SKIPPED_FILES:
            continue
        if any(inner in path.parents for inner in inner_rooms):
            continue
        if path.suffix != ".py" and "templates" not in parents:
            continue
        yield path


def _in_file(path: Path) -> Iterator[tuple[int, Message]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # Django's own translation of a template into calls that a Python extractor understands.
        # (Babel's takes the page's indentation for Python's, so there is none.)
        text = "\n".join(line.lstrip() for line in templatize(text, origin=str(path)).split("\n"))
    source = BytesIO(text.encode("utf-8"))
    for line, found, _comments, context in extract("python", source, KEYWORDS, (), {"encoding": "utf-8"}):
        ids = tuple(found) if isinstance(found, tuple | list) else (found,)
        if ids and ids[0]:
            plural = ids[1] if len(ids) > 1 else None
            yield line, Message(msgid=ids[0], plural=plural, context=context)


def messages_of(
    room: Path, *, root: Path, inner_rooms: set[Path] | None = None
) -> dict[tuple[str | None, str], Message]:
    """Return the room's messages by (context, msgid); places are relative to `root`."""
    messages: dict[tuple[str | None, str], Message] = {}
    for path in _files(room, inner_rooms or set()):
        for line, message in _in_file(path):
            kept = messages.setdefault(message.key, message)
            kept.plural = kept.plural or message.plural
            kept.places.append(f"{path.relative_to(root)}:{line}")
    return messages
