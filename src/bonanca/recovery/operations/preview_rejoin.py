"""What making an old primary a standby again would do, and what forbids it; asks both servers, touches nothing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.actuators.postgres import replication
from bonanca.actuators.postgres.rejoining import Folder, look_into
from bonanca.actuators.postgres.sessions import DatabaseUnreachable
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import DatabaseSpec, ServerSpec, ServiceView
from bonanca.durable.state import RunState
from bonanca.kernel.errors import BonancaError, Invalid
from bonanca.recovery.guards import database_of
from bonanca.recovery.operations.preview_promotion import NoStandby
from bonanca.recovery.queries.replication import MOVES, moves_of
from bonanca.recovery.rejoin_notes import rewind_of
from bonanca.recovery.rejoin_plans import steps_of, words
from bonanca.recovery.views.rejoin import RejoinPreview


class NoServersDeclared(Invalid):
    """The service does not say where the two servers' folders are."""


def preview_rejoin(*, service: str, actor: Actor, now: datetime) -> RejoinPreview:
    """Ask both servers, look into the old one's folder, and say what would happen.

    Raises:
        NotFound, NotAllowed, NoDatabaseDeclared, NoStandby. NoServersDeclared: with what to declare.
    """
    declared = get_service(service)
    require(actor, Permission.RESPOND, team=declared.team_slug)
    database = database_of(declared)
    if database.standby is None:
        raise NoStandby(_("The service %(service)s declares no standby.") % {"service": service})
    if not database.standby.servers:
        raise NoServersDeclared(
            _("The service %(service)s does not say where the data folders of its two servers are.")
            % {"service": service},
            hint=_("Declare `database.standby.servers` (data, start, stop of both) in bonanca.yaml and apply it."),
        )
    problems: list[str] = []
    data, why = Path(), ""
    try:
        server = old_server(database)
        data, folder = server.data, look_into(server.data)
        problems += _unfit(database, folder)
        why = must_copy(declared, database, folder)
    except BonancaError as error:
        problems.append(error.message)
    rewind = not why and not problems
    kept = "" if rewind else f"{data}.before-…"
    return RejoinPreview(
        service=service,
        team=declared.team_slug,
        data=str(data),
        rewind=rewind,
        why=why,
        kept_as=kept,
        problems=tuple(problems),
        steps=steps_of(declared, rewind=rewind, data=str(data), back=False),
        steps_back=steps_of(declared, rewind=rewind, data=str(data), back=True),
        words=words(rewind=rewind, kept=kept, back=False),
        words_back=words(rewind=rewind, kept=kept, back=True),
    )


def old_server(database: DatabaseSpec) -> ServerSpec:
    """The declared server that is not the new primary. Raises Invalid: neither is it. DatabaseUnreachable."""
    assert database.standby is not None
    here = Path(replication.data_folder(database.dsn()))
    others = [server for server in database.standby.servers if server.data.resolve() != here.resolve()]
    if len(others) != 1:
        raise Invalid(
            _("The primary works in %(path)s, which is none of the declared data folders.") % {"path": here},
            hint=_("Correct `database.standby.servers`: both folders, as the servers call them (SHOW data_directory)."),
        )
    return others[0]


def must_copy(service: ServiceView, database: DatabaseSpec, folder: Folder) -> str:
    """Why a rewind will not do; empty when it will. A rewind throws away what only the old primary has."""
    if not folder.can_rewind:
        return _("The old server has neither checksums nor wal_log_hints: pg_rewind cannot work on it.")
    if rewind_of(folder.data) is not None:
        return _("A rewind of it was begun and never ended: what it left is not trusted.")
    others = _other_databases(database)
    if others:
        return _("The old server also holds %(names)s, where others may have written since.") % {
            "names": ", ".join(others)
        }
    # A promotion that was taken back ended with one, too.
    moves = (run for run in moves_of(service.slug, states=[RunState.SUCCEEDED]) if run.kind in MOVES)
    receipt = next((step.receipt for run in moves for step in run.steps if step.key == "promote"), None)
    if not receipt or not receipt.get("nothing_lost"):
        return _("Nobody has seen that everything on the old primary had arrived before the promotion.")
    return ""


def _other_databases(database: DatabaseSpec) -> tuple[str, ...]:
    try:
        return replication.other_databases(database.standby_dsn())
    except DatabaseUnreachable:
        # It is down. What it held is what the new primary has, whose copy it was.
        return replication.other_databases(database.dsn())


def _unfit(database: DatabaseSpec, folder: Folder) -> list[str]:
    primary = replication.look(database.dsn())
    if primary.in_recovery:
        return [_("The declared primary is a standby itself.")]
    if primary.system_identifier != folder.system_identifier:
        return [_("%(path)s is the folder of another server, no copy of the primary.") % {"path": folder.data}]
    try:
        if replication.look(database.standby_dsn()).in_recovery:
            return [_("The old server is a standby already.")]
    except DatabaseUnreachable:
        pass
    return []
