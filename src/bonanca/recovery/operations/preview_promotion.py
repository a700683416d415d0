"""What a promotion would do and what forbids it; asks both servers, touches nothing."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.actuators.postgres.replication import look
from bonanca.actuators.postgres.sessions import DatabaseUnreachable
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import DatabaseSpec, ServiceView
from bonanca.kernel.errors import BonancaError, Invalid
from bonanca.recovery.guards import database_of, refuse_own_server
from bonanca.recovery.operations.watch_replication import look_at, promotion_begun
from bonanca.recovery.promotion_plans import steps_of, undo_words
from bonanca.recovery.queries.replication import replication_of
from bonanca.recovery.views.promotion import PromotionPreview


class NoStandby(Invalid):
    """The service declares no standby."""


def preview_promotion(*, service: str, actor: Actor, now: datetime) -> PromotionPreview:
    """Ask both servers and say what would happen.

    Raises:
        NotFound, NotAllowed, NoDatabaseDeclared, NoStandby.
    """
    declared = get_service(service)
    require(actor, Permission.RESPOND, team=declared.team_slug)
    database = database_of(declared)
    if database.standby is None:
        raise NoStandby(
            _("The service %(service)s declares no standby.") % {"service": service},
            hint=_("Declare `database.standby` (dsn_file) in bonanca.yaml and apply it."),
        )
    answers = _answers(database)
    return _known(declared, database, now) if answers else _primary_lost(declared, database)


def _known(service: ServiceView, database: DatabaseSpec, now: datetime) -> PromotionPreview:
    found = look_at(database, now)
    begun = bool(found.error) and _begun(database)
    problems = [found.error] if found.error and not begun else []
    try:
        refuse_own_server(database.dsn())
    except BonancaError as error:
        problems.append(error.message)
    return PromotionPreview(
        service=service.slug,
        team=service.team_slug,
        primary_answers=True,
        lag_s=found.lag_s,
        lag_bytes=found.lag_bytes,
        problems=tuple(problems),
        steps=steps_of(service, accept_loss=False),
        undo=undo_words(),
        begun=begun,
    )


def _primary_lost(service: ServiceView, database: DatabaseSpec) -> PromotionPreview:
    problems, begun = [], False
    try:
        begun = not look(database.standby_dsn()).in_recovery
    except BonancaError as error:
        problems.append(error.message)
    last = replication_of(service.slug)
    return PromotionPreview(
        service=service.slug,
        team=service.team_slug,
        primary_answers=False,
        lag_s=last.lag_s if last else None,
        lag_bytes=last.lag_bytes if last else None,
        problems=tuple(problems),
        steps=steps_of(service, accept_loss=True),
        undo=undo_words(),
        begun=begun,
    )


def _begun(database: DatabaseSpec) -> bool:
    try:
        return promotion_begun(look(database.dsn()), look(database.standby_dsn()))
    except DatabaseUnreachable:
        return False


def _answers(database: DatabaseSpec) -> bool:
    try:
        look(database.dsn())
    except DatabaseUnreachable:
        return False
    return True
