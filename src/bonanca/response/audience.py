"""Who is told: the words of `rollback.announce` as people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from bonanca.catalog.queries import dependents_of, get_service, team_members
from bonanca.catalog.spec import ServiceView
from bonanca.oncall.queries import who_is_on_call


@dataclass(frozen=True)
class Recipient:
    """Somebody who is told, in their language."""

    email: str
    name: str
    locale: str


def audience(service: ServiceView, to: tuple[str, ...], now: datetime) -> tuple[Recipient, ...]:
    """Return the people behind the words, each once, in the order of the words."""
    found: dict[str, Recipient] = {}
    for word in to:
        for one in _behind(service, word, now):
            found.setdefault(one.email.lower(), one)
    return tuple(found.values())


def _behind(service: ServiceView, word: str, now: datetime) -> list[Recipient]:
    if word == "on_call":
        person = who_is_on_call(service.team_slug, now)
        return [Recipient(person.email, person.name, person.locale)] if person else []
    if word == "team":
        return _members(service.team_slug)
    if word == "dependents":
        teams = dict.fromkeys(get_service(slug).team_slug for slug in dependents_of(service.slug))
        return [one for team in teams for one in _members(team)]
    return [Recipient(word, word, settings.LANGUAGE_CODE)]


def _members(team: str) -> list[Recipient]:
    return [Recipient(p.email, p.name, p.locale) for p in team_members(team) if p.is_active]
