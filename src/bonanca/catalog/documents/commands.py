"""Read the commands of a service: lists of words, with placeholders that are filled when they run."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from bonanca.catalog.documents.reader import Reader

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_PLACEHOLDERS = ("python", "port", "config", "release")


def read_command(reader: Reader, key: str) -> tuple[str, ...]:
    """A command, as a list; a placeholder that nothing would fill is noted."""
    words = reader.words(key)
    for word in words:
        for name in _PLACEHOLDER.findall(word):
            if name not in _PLACEHOLDERS:
                reader.wrong(
                    reader.entries[key],
                    _("%(what)s: %(key)s has an unknown placeholder (got %(got)s)")
                    % {"what": reader.what, "key": key, "got": "{" + name + "}"},
                    _("one of %(choices)s") % {"choices": ", ".join("{" + known + "}" for known in _PLACEHOLDERS)},
                )
    return words
