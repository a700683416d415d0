"""What people are not shown: values of environments, contents of files that steps write, secrets of configurations."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "•••"
# The names stay readable, the values may be secrets.
_ENVIRONMENT = "env"
_CONTENT = "content"
_WORDS = "password|passwd|passphrase|pwd|secret|token|api_?-?key|private_?-?key|access_?-?key|credential|dsn"
_NAME = rf"[\"']?[\w.-]*(?:{_WORDS})[\w.-]*[\"']?"
# A name at the beginning of a line has all that follows it; one inside has what is quoted, or one word.
_LINE = re.compile(rf"^([-+ ]?\s*(?:export\s+)?{_NAME}\s*[:=]+\s*)(?=\S).*$", re.IGNORECASE)
_INSIDE = re.compile(rf"({_NAME}\s*[:=]+\s*)(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s,;}}\]]+)", re.IGNORECASE)
_ADDRESS = re.compile(r"(://[^/\s:@]*:)\S+(@)")
# What keys and certificates look like.
_BASE64 = re.compile(r"^([-+ ]?\s*)[A-Za-z0-9+/]{40,}={0,2}\s*$")


def hidden(value: Any) -> Any:
    """A copy of a step's parameters or receipt that anybody may see who may see the plan."""
    if isinstance(value, dict):
        return {key: _shown(key, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(item) for item in value]
    return value


def without_secrets(line: str) -> str:
    """A line of a configuration file, or of a comparison of two, with what looks like a secret left out."""
    if _LINE.match(line):
        return _LINE.sub(rf"\1{HIDDEN}", line)
    line = _BASE64.sub(rf"\1{HIDDEN}", line)
    return _INSIDE.sub(rf"\1{HIDDEN}", _ADDRESS.sub(rf"\1{HIDDEN}\2", line))


def _shown(key: str, item: Any) -> Any:
    if key == _ENVIRONMENT and item:
        return dict.fromkeys(item, HIDDEN) if isinstance(item, dict) else HIDDEN
    if key == _CONTENT and item:
        return HIDDEN
    return hidden(item)
