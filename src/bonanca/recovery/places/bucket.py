"""A bucket of Google or a container of Azure, through obstore; credentials as their own tools read them.

Their uploads begin anew after an interruption: obstore gives no hold of an upload that did not end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import obstore
from django.utils.translation import gettext as _
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from bonanca.recovery.places.base import CHUNK, Parcel, Place, Told

_CLIENT: Any = {"connect_timeout": timedelta(seconds=10), "timeout": timedelta(seconds=300)}
_RETRY: Any = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}
# obstore raises Python's own errors for some and its own for the rest.
PROBLEMS = (BaseError, OSError, ValueError)


class Bucket(Place):
    """Objects below the address's prefix."""

    def store(self, parcel: Parcel, told: Told = lambda done: None) -> int:
        summed, done = hashlib.sha256(), 0
        try:
            door = self._door()
            with parcel.source.open("rb") as source, obstore.open_writer(door, parcel.name) as out:
                while piece := source.read(CHUNK):
                    out.write(piece)
                    summed.update(piece)
                    done += len(piece)
                    told(done)
            if summed.hexdigest() != parcel.sha256:
                obstore.delete(door, parcel.name)
                raise self.changed(parcel)
            size = int(obstore.head(door, parcel.name)["size"])
        except PROBLEMS as error:
            raise self.problem(error) from error
        if size != parcel.size:
            raise self.problem(OSError(_("%(size)d bytes arrived") % {"size": size}))
        return size

    def read(self, name: str) -> Iterator[bytes]:
        try:
            for piece in obstore.get(self._door(), name).stream(min_chunk_size=CHUNK):
                yield bytes(piece)
        except FileNotFoundError as error:
            raise self.missing(name) from error
        except PROBLEMS as error:
            raise self.problem(error) from error

    def remove(self, name: str) -> None:
        try:
            obstore.delete(self._door(), name)
        except FileNotFoundError:
            return
        except PROBLEMS as error:
            raise self.problem(error) from error

    def _door(self) -> ObjectStore:
        return from_url(self.place, client_options=_CLIENT, retry_config=_RETRY)
