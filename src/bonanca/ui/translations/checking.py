"""What is wrong with a room's catalogue: missing, fuzzy, empty, unused, or with other placeholders."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.catalog import Message as PoMessage
from babel.messages.pofile import read_po

from bonanca.ui.translations.catalogs import LOCALES, PACKAGE, Catalogue, rooms
from bonanca.ui.translations.extraction import Message, messages_of

_PLACEHOLDER = re.compile(r"%\((\w+)\)[#0\- +]?\d*(?:\.\d+)?[a-zA-Z]|%[sdf]|\{(\w*)(?:[:!][^{}]*)?\}")

Key = tuple[str | None, str]


def placeholders(text: str) -> set[str]:
    """Return the named and positional placeholders of a message: `%(name)s`, `%s`, `{name}`."""
    return {match.group(0) for match in _PLACEHOLDER.finditer(text.replace("%%", ""))}


def entries(catalogue: Catalogue) -> dict[Key, PoMessage]:
    """Return the catalogue's entries by (context, msgid), without its header."""
    if not catalogue.po.exists():
        return {}
    with catalogue.po.open("rb") as source:
        found = read_po(source, locale=catalogue.locale, abort_invalid=True)
    return {
        (message.context, message.id[0] if isinstance(message.id, tuple | list) else message.id): message
        for message in found
        if message.id
    }


def _texts(entry: PoMessage) -> list[str]:
    texts = entry.string if isinstance(entry.string, tuple | list) else [entry.string]
    return [text or "" for text in texts]


def _entry_problems(message: Message, entry: PoMessage, where: str) -> list[str]:
    if entry.fuzzy:
        return [f"{where}: fuzzy: {message.msgid!r}"]
    texts = _texts(entry)
    if not texts or not all(text.strip() for text in texts):
        return [f"{where}: empty: {message.msgid!r}"]
    if message.plural and len(texts) < 2:
        return [f"{where}: no plural: {message.msgid!r}"]
    wanted = placeholders(message.msgid) | placeholders(message.plural or "")
    problems = []
    for number, text in enumerate(texts):
        have = placeholders(text)
        # One form of a plural may leave its number out ("um incidente").
        optional = wanted if message.plural and number == 0 else set()
        if have - wanted or wanted - have - optional:
            problems.append(
                f"{where}: placeholders differ: {message.msgid!r} has {sorted(wanted)}, {text!r} has {sorted(have)}"
            )
    return problems


def problems_of(room: Path, *, root: Path, inner_rooms: set[Path] | None = None) -> list[str]:
    """Return what is wrong with a room's translations, one line each, `path:line: problem` first."""
    used = messages_of(room, root=root, inner_rooms=inner_rooms)
    problems: list[str] = []
    for locale in LOCALES:
        catalogue = Catalogue(room, locale)
        known = entries(catalogue)
        name = str(catalogue.po.relative_to(root))
        for key, message in used.items():
            entry = known.get(key)
            if entry is None:
                problems.append(f"{message.places[0]}: not in {name}: {message.msgid!r}")
            else:
                problems += _entry_problems(message, entry, f"{name}:{entry.lineno or 0}")
        problems += [
            f"{name}:{entry.lineno or 0}: unused: {key[1]!r}" for key, entry in known.items() if key not in used
        ]
    return problems


def check(package: Path = PACKAGE) -> list[str]:
    """Return every problem of every room."""
    every = rooms(package)
    found: list[str] = []
    for room in every:
        inner = {other for other in every if room in other.parents}
        found += problems_of(room, root=package.parent, inner_rooms=inner)
    return found + conflicts(every, root=package.parent)


def conflicts(every: list[Path], *, root: Path) -> list[str]:
    """Return messages that two rooms translate differently: Django keeps one of them, for both."""
    found: list[str] = []
    for locale in LOCALES:
        first: dict[Key, tuple[list[str], str]] = {}
        for room in every:
            catalogue = Catalogue(room, locale)
            name = str(catalogue.po.relative_to(root))
            for key, entry in entries(catalogue).items():
                texts, other = first.setdefault(key, (_texts(entry), name))
                if texts != _texts(entry):
                    found.append(
                        f"{name}:{entry.lineno or 0}: {key[1]!r} is {_texts(entry)[0]!r} here and {texts[0]!r} "
                        f"in {other}: give one of them a context (pgettext)"
                    )
    return found


def missing(room: Path, locale: str, *, package: Path = PACKAGE) -> list[Message]:
    """Return the messages that the room's catalogue lacks or leaves empty."""
    inner = {other for other in rooms(package) if room in other.parents}
    used = messages_of(room, root=package.parent, inner_rooms=inner)
    known = entries(Catalogue(room, locale))
    return [
        message
        for key, message in used.items()
        if key not in known or not all(text.strip() for text in _texts(known[key]))
    ]
