"""The navigation: only what exists in this installation, with the current entry marked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# (key of the `g` shortcut, path, label)
ENTRIES: tuple[tuple[str, str, Promise], ...] = (
    ("o", "/", _("Overview")),
    ("i", "/incidents/", _("Incidents")),
    ("s", "/services/", _("Services")),
    ("c", "/changes/", _("Changes")),
    ("j", "/objectives/", _("Objectives")),
    ("b", "/backups/", _("Backups")),
    ("p", "/postmortems/", _("Post-mortems")),
    ("t", "/status/", _("Status page")),
)
THEMES = ("light", "dark")
THEME_COOKIE = "bonanca_theme"


@dataclass(frozen=True)
class NavEntry:
    """One entry of the navigation; `key` follows `g` on the keyboard."""

    key: str
    path: str
    label: str
    current: bool


@lru_cache(maxsize=32)
def _exists(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def entries(request: HttpRequest) -> list[NavEntry]:
    """Return the entries whose pages exist."""
    return [
        NavEntry(key, path, str(label), request.path == path or (path != "/" and request.path.startswith(path)))
        for key, path, label in ENTRIES
        if _exists(path)
    ]


def address(*names: str) -> str | None:
    """Return the address of the first view that exists, or None."""
    for name in names:
        try:
            return reverse(name)
        except NoReverseMatch:
            continue
    return None


def theme(request: HttpRequest) -> str | None:
    """Return the theme that this browser chose, or None to follow the system."""
    chosen = request.COOKIES.get(THEME_COOKIE)
    return chosen if chosen in THEMES else None
