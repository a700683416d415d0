from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class PostmortemState(TextChoices):
    """The draft is made from evidence; people take it further."""

    DRAFT = "draft", _("draft")
    PUBLISHED = "published", _("published")


TRANSITIONS: dict[str, frozenset[str]] = {
    PostmortemState.DRAFT: frozenset({PostmortemState.PUBLISHED}),
    PostmortemState.PUBLISHED: frozenset(),
}
