"""What people are not shown of a step: values of environments, and contents of files that it writes."""

from __future__ import annotations

from typing import Any

HIDDEN = "•••"
# The names stay readable, the values may be secrets.
_ENVIRONMENT = "env"
_CONTENT = "content"


def hidden(value: Any) -> Any:
    """A copy of a step's parameters or receipt that anybody may see who may see the plan."""
    if isinstance(value, dict):
        return {key: _shown(key, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(item) for item in value]
    return value


def _shown(key: str, item: Any) -> Any:
    if key == _ENVIRONMENT and item:
        return dict.fromkeys(item, HIDDEN) if isinstance(item, dict) else HIDDEN
    if key == _CONTENT and item:
        return HIDDEN
    return hidden(item)
