"""`bonanca backup keys` and `rewrap`: which keys open the backups, and wrapping them for the ones declared now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bonanca.recovery.cli.backup import Service
from bonanca.recovery.cli.backup import app as backups
from bonanca.ui.console import JsonOption, emit, note, progress, say


@backups.command()
def keys(service: Service, as_json: JsonOption = False) -> None:
    """Which keys open the service's backups; exit non-zero when one is sealed to no key that is declared or drilled."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.recovery import queries

    found = queries.keys_of(service)

    def rows() -> None:
        say(f"declared      {', '.join(found.declared) or 'none'}")
        say(f"drilled with  {', '.join(found.drilled_with or ()) or found.unread or 'no key of this machine'}")
        for backup in found.backups:
            word = "LOST" if backup.lost else "UNDRILLED" if backup.undrilled else "old" if backup.outdated else "ok"
            sealed = ", ".join(backup.recipients) if backup.recipients is not None else "not recorded"
            say(f"{word:<9} {backup.backup_id} {backup.taken_at:%Y-%m-%d %H:%M} UTC  {sealed}")
        if found.lost:
            note(f"{len(found.lost)} backups are sealed to keys that nobody declares")
        if found.outdated:
            note(f"wrap them for the declared keys: bonanca backup rewrap {service} --identity-file OLD_KEY")

    emit(found, as_json=as_json, show=rows)
    if found.lost or found.undrilled:
        raise typer.Exit(1)


@backups.command("rewrap")
def rewrap_(
    service: Service,
    identity_file: Annotated[Path, typer.Option("--identity-file", help="A private key that opens them as they are.")],
    as_json: JsonOption = False,
) -> None:
    """Wrap the backups' data keys for the recipients that are declared now; the bulk is not encrypted anew."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery import queries
    from bonanca.recovery.operations.rewrap_backup import rewrap_backup

    actor, done = local_operator(), []
    for backup in queries.keys_of(service).backups:
        if backup.outdated or backup.recipients is None:
            with progress(f"keys of {service}, {backup.backup_id}") as shown:
                done.append(
                    rewrap_backup(
                        backup.backup_id, identity_file=identity_file, actor=actor, now=utc_now(), progress=shown
                    )
                )

    def rows() -> None:
        say(f"{len(done)} backups wrapped for the declared keys")
        for backup in done:
            say(f"  {backup.id} {backup.object_name} in {backup.intact} of {len(backup.replicas)} places")

    emit(done, as_json=as_json, show=rows)
