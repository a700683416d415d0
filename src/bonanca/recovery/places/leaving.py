"""Put a small file of Bonança's own into a place: its own backups, and the procedure that lies beside everybody's."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import PlaceSpec
from bonanca.recovery.places import Parcel, Place, opened, place_of


def place_named(place: str) -> Place:
    """The place with the options that a service declares for it; without any when none does.

    Raises:
        ReplicaProblem: it cannot be used so.
    """
    for service in list_services():
        if service.backup is not None and place in service.backup.replicas:
            return place_of(service.slug, place)
    return opened(PlaceSpec(place))


def parcel_of(source: Path, name: str) -> Parcel:
    """The file as what a place stores."""
    with source.open("rb") as file:
        summed = hashlib.file_digest(file, "sha256").hexdigest()
    return Parcel(source, name, source.stat().st_size, summed)


def leave(place: str, source: Path, name: str) -> None:
    """Store a file in the place under `name`; one that is there is replaced.

    Raises:
        ReplicaProblem.
    """
    place_named(place).store(parcel_of(source, name))
