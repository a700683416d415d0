"""`{% load catalog %}`: words for what the catalog declares."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.utils.translation import gettext as _

register = template.Library()


@register.simple_tag
def environment_name(slug: str) -> str:
    """`{% environment_name service.environment %}` → production, in the reader's language."""
    return {"production": _("production"), "development": _("development")}.get(slug, slug)


@register.simple_tag
def team_name(teams: Mapping[str, str], slug: str) -> str:
    """`{% team_name teams service.team_slug %}` → the team's name, or its slug."""
    return teams.get(slug, slug)
