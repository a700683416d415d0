"""What one types to bring a backup's data back by hand, with nothing but the sealed file and the private key."""

from __future__ import annotations

import shlex

from bonanca.recovery.trees import names_beside, roots_of
from bonanca.recovery.views import BackupView


def data_commands(backup: BackupView, local: str, identity_file: str) -> tuple[str, ...]:
    """The commands, in order; `local` and `identity_file` are quoted already."""
    service = backup.service
    if backup.engine not in ("logical", "files"):
        # The files of a whole server are brought back by Bonança, which is step one.
        part = " --part everything" if backup.files else ""
        return (f"bonanca restore preview {service} --backup {backup.id}{part} --swap --start",)
    folder = f"{service}-backup"
    commands = [f"bonanca backup open {local} --identity-file {identity_file} --unpack {folder}"]
    if backup.database:
        commands.append(f"pg_restore --create --dbname=postgres {folder}/{backup.facts.get('dump', 'database.dump')}")
    paths = roots_of(backup)
    for path, name in zip(paths, names_beside(paths), strict=True):
        commands.append(f"mkdir -p {shlex.quote(str(path.parent))}")
        commands.append(f"cp -a -T {shlex.quote(f'{folder}/files/{name}')} {shlex.quote(str(path))}")
    return tuple(commands)
