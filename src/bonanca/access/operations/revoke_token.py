"""End an API token."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.models import ApiToken
from bonanca.access.permissions import Permission, require
from bonanca.access.queries import TokenView, token_view
from bonanca.kernel.audit import record
from bonanca.kernel.errors import NotFound


@transaction.atomic
def revoke_token(*, name: str, actor: Actor, now: datetime) -> TokenView:
    """Refuse the token from now on; what was done with it stays in the records.

    Raises:
        NotAllowed: the actor does not administer.
        NotFound: no token of that name is in use.
    """
    require(actor, Permission.ADMINISTER)
    token = (
        ApiToken.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(name=name, revoked_at__isnull=True)
        .first()
    )
    if token is None:
        raise NotFound(
            _("No token named %(name)s is in use.") % {"name": name},
            field="name",
            hint=_("`bonanca token list` shows all of them."),
        )
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])
    record(aggregate=f"token:{token.id}", action="token.revoked", actor=actor.label, facts={"name": name}, now=now)
    return token_view(token, now)
