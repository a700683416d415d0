"""YAML text to plain nodes that know their line.

The text is composed, not constructed: no tag can make an object, and a small text that unfolds into millions of values
through aliases stops at MAX_NODES. Scalars follow YAML 1.2 (`no` and `on` are text), dates stay text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from bonanca.catalog.documents.problems import Problems
from bonanca.catalog.spec import Scalar

MAX_BYTES = 512 * 1024
MAX_NODES = 50_000
MAX_DEPTH = 40

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {_TAG + kind for kind in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")}
# The YAML reader raises all of these for one malformed text or another; to the author they are the same mistake.
UNREADABLE = (YAMLError, ValueError, TypeError, AttributeError, LookupError, AssertionError, NotImplementedError)
_MARK = re.compile(r"line (\d+), column \d+")


@dataclass(frozen=True)
class Node:
    """A value, its line, and for a mapping the line of each key."""

    file: str
    line: int
    value: Scalar | list[Node] | dict[str, Node]

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self.value, dict)

    def shown(self) -> str:
        """The value as an error message quotes it, bounded."""
        if isinstance(self.value, dict):
            return _("a mapping")
        if isinstance(self.value, list):
            return _("a list")
        if self.value is None:
            return _("nothing")
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        text = repr(self.value) if isinstance(self.value, str) else str(self.value)
        return text if len(text) <= 80 else text[:77] + "…"


class TooMuch(Exception):
    """The document unfolds into more than we are willing to hold, or nests too deep."""


def parse_nodes(text: str, file: str, problems: Problems) -> list[Node]:
    """Return the documents of a YAML text; what cannot be read is noted in `problems`."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        problems.add(file, 1, _("the file is larger than %(limit)d KiB") % {"limit": MAX_BYTES // 1024})
        return []
    try:
        composed = list(YAML(typ="safe", pure=True).compose_all(text))
        builder = _Builder(file, problems)
        return [builder.build(root, 0) for root in composed if root is not None]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(str(part) for part in (error.context, error.problem) if part)
        problems.add(file, (mark.line + 1) if mark else 1, _("this is not YAML (%(reason)s)") % {"reason": reason})
    except TooMuch:
        problems.add(file, 1, _("the document unfolds into too many values: expand fewer aliases and nest less"))
    except RecursionError:
        problems.add(file, 1, _("the document nests too deep"))
    except UNREADABLE as error:
        found = _MARK.search(str(error))
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        line = int(found.group(1)) if found else 1
        problems.add(file, line, _("this is not YAML (%(reason)s)") % {"reason": reason[:200]})
    return []


class _Builder:
    def __init__(self, file: str, problems: Problems) -> None:
        self.file = file
        self.problems = problems
        self.count = 0

    def build(self, node: Any, depth: int) -> Node:
        self.count += 1
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            raise TooMuch
        line = node.start_mark.line + 1
        if isinstance(node, ScalarNode):
            return Node(self.file, line, self._scalar(node, line))
        if isinstance(node, SequenceNode):
            return Node(self.file, line, [self.build(child, depth + 1) for child in node.value])
        if isinstance(node, MappingNode):
            return Node(self.file, line, self._mapping(node, depth))
        raise TypeError(type(node).__name__)

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Node]:
        result: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self.problems.add(self.file, line, _("a key must be a word"))
                continue
            if str(key_node.tag) == _TAG + "merge":
                self._merge(self.build(value_node, depth + 1), merged)
                continue
            key = str(key_node.value)
            if key in result:
                first = result[key].line
                self.problems.add(
                    self.file,
                    line,
                    _("%(key)s is written twice (first in line %(line)d)") % {"key": key, "line": first},
                )
                continue
            built = self.build(value_node, depth + 1)
            # A problem of a value is shown at its key, where the reader looks for it.
            result[key] = Node(built.file, line, built.value)
        return merged | result

    def _merge(self, source: Node, into: dict[str, Node]) -> None:
        for part in source.value if isinstance(source.value, list) else [source]:
            if isinstance(part.value, dict):
                for key, value in part.value.items():
                    into.setdefault(key, value)
            else:
                self.problems.add(self.file, part.line, _("<< needs a mapping (got %(got)s)") % {"got": part.shown()})

    def _scalar(self, node: ScalarNode, line: int) -> Scalar:
        tag, text = str(node.tag), str(node.value)
        if tag not in _PLAIN_TAGS:
            shown = tag.removeprefix(_TAG)[:60]
            self.problems.add(self.file, line, _("the tag %(tag)s is not accepted") % {"tag": shown})
            return text
        kind = tag.removeprefix(_TAG)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind in {"int", "float"}:
            return _number(text, kind)
        return text


def _number(text: str, kind: str) -> Scalar:
    plain = text.replace("_", "").lower()
    try:
        if kind == "int":
            return int(plain, 0) if plain.lstrip("+-")[:2] in {"0x", "0o", "0b"} else int(plain)
        return float(plain.replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text
