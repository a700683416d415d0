"""Read typed values out of a mapping, and note every surprise with its line."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from django.utils.translation import gettext as _

from bonanca.catalog.documents.nodes import Node
from bonanca.catalog.documents.problems import Problems
from bonanca.catalog.spec import Scalar

T = TypeVar("T")

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://|[^/@\s]+@[^/:\s]+:")


class Reader:
    """The keys of one mapping. Each method takes a key once; `done()` reports the keys nobody asked for.

    `what` names the thing in messages ("service 'loja-api'"), `base` is the folder that relative paths start from.
    A method that finds something wrong notes it and returns a harmless value, so that reading goes on.
    """

    def __init__(self, node: Node, what: str, base: Path, problems: Problems) -> None:
        self.node = node
        self.what = what
        self.base = base
        self.problems = problems
        self.known: set[str] = set()
        self.entries: dict[str, Node] = {}
        if isinstance(node.value, dict):
            self.entries = node.value
        else:
            self.wrong(node, _("%(what)s must be a mapping (got %(got)s)") % {"what": what, "got": node.shown()})

    def wrong(self, node: Node, message: str, expected: str = "") -> None:
        """Note a problem at a node's line."""
        self.problems.add(node.file, node.line, message, expected)

    def take(self, key: str, *, required: bool = False) -> Node | None:
        """The key's node, None when it is absent or empty (which is a problem when it is required)."""
        self.known.add(key)
        node = self.entries.get(key)
        if node is None or node.value is None:
            if required and isinstance(self.node.value, dict):
                self.wrong(node or self.node, _("%(what)s: %(key)s is missing") % {"what": self.what, "key": key})
            return None
        return node

    def bad(self, node: Node, key: str, expected: str) -> None:
        """Note that the key's value is not what was expected."""
        self.wrong(
            node,
            _("%(what)s: %(key)s is not valid (got %(got)s)") % {"what": self.what, "key": key, "got": node.shown()},
            expected,
        )

    def text(self, key: str, default: str = "", *, required: bool = False, limit: int = 2000) -> str:
        """A text on one or several lines; numbers are accepted as their text."""
        node = self.take(key, required=required)
        if node is None:
            return default
        value = node.value
        if isinstance(value, str) and value.strip() and len(value) <= limit and "\x00" not in value:
            return value.strip()
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        self.bad(node, key, _("a text of 1 to %(limit)d characters") % {"limit": limit})
        return default

    def pattern(self, key: str, pattern: re.Pattern[str], expected: str, *, required: bool = False) -> str:
        """A text that matches the whole pattern."""
        node = self.take(key, required=required)
        if node is None:
            return ""
        value = str(node.value) if isinstance(node.value, (str, int)) and not isinstance(node.value, bool) else ""
        if pattern.fullmatch(value):
            return value
        self.bad(node, key, expected)
        return ""

    def slug(self, key: str, *, required: bool = False) -> str:
        """A name for addresses: small letters, digits and hyphens, at most 63 characters."""
        expected = _("small letters, digits and hyphens, at most 63, such as 'loja-api'")
        return self.pattern(key, SLUG, expected, required=required)

    def choice(self, key: str, choices: Iterable[str], default: str) -> str:
        """One of a few words."""
        node = self.take(key)
        if node is None:
            return default
        words = tuple(choices)
        if isinstance(node.value, str) and node.value.lower() in words:
            return node.value.lower()
        self.bad(node, key, _("one of %(choices)s") % {"choices": ", ".join(words)})
        return default

    def flag(self, key: str, default: bool = False) -> bool:
        """true or false."""
        node = self.take(key)
        if node is None:
            return default
        if isinstance(node.value, bool):
            return node.value
        self.bad(node, key, _("true or false"))
        return default

    def number(
        self,
        key: str,
        default: float,
        *,
        minimum: float = 0.0,
        maximum: float = 1e12,
        above: bool = False,
        required: bool = False,
    ) -> float:
        """A finite number in [minimum, maximum], or in (minimum, maximum] with `above`."""
        node = self.take(key, required=required)
        if node is None:
            return default
        value = node.value
        # Infinity and NaN fail these comparisons, and a huge integer is never turned into a float.
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            low_enough = value > minimum if above else value >= minimum
            if low_enough and value <= maximum:
                return float(value)
        words = _("a number above %(low)g") if above else _("a number of at least %(low)g")
        if maximum < 1e12:
            words += _(", at most %(high)g")
        self.bad(node, key, words % {"low": minimum, "high": maximum})
        return default

    def integer(self, key: str, default: int, *, minimum: int, maximum: int, required: bool = False) -> int:
        """A whole number from minimum to maximum."""
        node = self.take(key, required=required)
        if node is None:
            return default
        value = node.value
        if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum:
            return value
        self.bad(node, key, _("a whole number from %(low)d to %(high)d") % {"low": minimum, "high": maximum})
        return default

    def scalar(self, key: str) -> Scalar:
        """A text, number or truth value; None when absent."""
        node = self.take(key)
        if node is None:
            return None
        if isinstance(node.value, (dict, list)):
            self.bad(node, key, _("a single value"))
            return None
        if isinstance(node.value, float) and not math.isfinite(node.value):
            self.bad(node, key, _("a finite number"))
            return None
        if isinstance(node.value, int) and abs(node.value) > 2**63:
            self.bad(node, key, _("a number of at most 64 bits"))
            return None
        return node.value

    def http_path(self, key: str, default: str = "", *, required: bool = False) -> str:
        """A path of an address: starts with a slash, no spaces."""
        node = self.take(key, required=required)
        if node is None:
            return default
        value = node.value
        if isinstance(value, str) and value.startswith("/") and not re.search(r"[\s\x00-\x1f`]", value):
            return value
        self.bad(node, key, _("a path that starts with / and has no spaces, such as /health"))
        return default

    def path(self, key: str, *, required: bool = False) -> Path | None:
        """A file or folder, absolute; relative ones start at the document's folder."""
        node = self.take(key, required=required)
        if node is None:
            return None
        if isinstance(node.value, str) and node.value.strip() and "\x00" not in node.value:
            return resolve(self.base, node.value.strip())
        self.bad(node, key, _("a path; a relative one starts at this file's folder"))
        return None

    def place(self, key: str) -> str:
        """A path (made absolute) or an address with a scheme (kept)."""
        node = self.take(key, required=True)
        return self.place_of(node, key) if node is not None else ""

    def place_of(self, node: Node, key: str) -> str:
        """Like `place`, for an element of a list."""
        if isinstance(node.value, str) and node.value.strip() and "\x00" not in node.value:
            text = node.value.strip()
            return text if _SCHEME.match(text) else str(resolve(self.base, text))
        self.bad(node, key, _("a path or an address such as s3://bucket/folder"))
        return ""

    def words(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of texts."""
        found = []
        for node in self.items(key, required=required):
            if isinstance(node.value, str) and node.value and "\x00" not in node.value:
                found.append(node.value)
            elif isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
                found.append(str(node.value))
            else:
                self.bad(node, key, _("a list of texts"))
        return tuple(found)

    def items(self, key: str, *, required: bool = False) -> list[Node]:
        """The elements of a list; [] when it is absent."""
        node = self.take(key, required=required)
        if node is None:
            return []
        if isinstance(node.value, list):
            return node.value
        self.bad(node, key, _("a list, each element on a line that starts with -"))
        return []

    def each(self, key: str, read: Callable[[Reader], T], what: str, *, required: bool = False) -> tuple[T, ...]:
        """Every element of a list of mappings, read by `read`; elements that are no mapping are noted and left out."""
        return tuple(
            self._finish(self.sub(node, what), read)
            for node in self.items(key, required=required)
            if self._mapping(node, what)
        )

    def one(self, key: str, read: Callable[[Reader], T], *, required: bool = False) -> T | None:
        """A nested mapping, read by `read`."""
        node = self.take(key, required=required)
        if node is None or not self._mapping(node, key):
            return None
        return self._finish(self.sub(node, f"{self.what}: {key}"), read)

    def sub(self, node: Node, what: str) -> Reader:
        """A reader of a nested mapping."""
        return Reader(node, what, self.base, self.problems)

    def line_of(self, key: str) -> int:
        """The line of a key, or of the mapping when the key is absent."""
        return self.entries[key].line if key in self.entries else self.node.line

    def done(self) -> None:
        """Note every key that was not asked for, with the nearest known one."""
        for key, node in self.entries.items():
            if key in self.known:
                continue
            near = difflib.get_close_matches(key, sorted(self.known), n=1, cutoff=0.6)
            expected = (
                _("did you mean %(near)s?") % {"near": near[0]}
                if near
                else _("expected one of %(known)s") % {"known": ", ".join(sorted(self.known))}
            )
            message = _("%(what)s: %(key)s is not known here") % {"what": self.what, "key": repr(key[:60])}
            self.wrong(node, message, expected)

    def _mapping(self, node: Node, what: str) -> bool:
        if node.is_mapping:
            return True
        self.wrong(node, _("%(what)s must be a mapping (got %(got)s)") % {"what": what, "got": node.shown()})
        return False

    @staticmethod
    def _finish(reader: Reader, read: Callable[[Reader], T]) -> T:
        value = read(reader)
        reader.done()
        return value


def resolve(base: Path, text: str) -> Path:
    """An absolute, normalised path without touching the disk (links stay as they are written)."""
    import os

    try:
        expanded = Path(text).expanduser()
    except RuntimeError:
        # `~nobody-here/…`: no such home; the path is taken as it stands.
        expanded = Path(text)
    return Path(os.path.normpath(base / expanded))
