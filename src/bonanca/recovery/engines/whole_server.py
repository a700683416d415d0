"""What engines of whole servers have in common: the service's database is dumped out of a scratch one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from django.utils.translation import gettext as _

from bonanca.actuators.postgres.dump import dump_folder
from bonanca.actuators.postgres.rows import count_rows
from bonanca.actuators.postgres.sessions import session
from bonanca.recovery.engines.base import Archive, Opening, Scratch
from bonanca.recovery.sealing import disk_full_named


class WholeServer(ABC):
    """Opens a backup by starting it."""

    @abstractmethod
    def scratch(self, opening: Opening) -> AbstractContextManager[Scratch]:
        """Fetch it and start it as a server that ends with the block."""

    def open(self, opening: Opening) -> Archive:
        """Raises as `scratch`, and DumpFailed, DiskFull."""
        with self.scratch(opening) as running:
            assert running.dsn is not None  # a server always has one
            opening.say(0.5, _("taking the database out of it"))
            dump = opening.folder / "dump"
            with opening.timed("dump"), session(running.dsn, read_only=True) as connection:
                counts = count_rows(connection)
                with disk_full_named(dump):
                    dump_folder(running.dsn, dump)
        return Archive(dump, counts)
