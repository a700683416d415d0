"""Places that hold backups, through one door: a directory, S3, SFTP, or a bucket of Google or Azure.

A place is a path (`/backups/a`) or an address (`s3://bucket/prefix`, `sftp://user@host:port/path`, `gs://…`,
`az://container/…`). Nothing secret is in a place's name.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import PlaceSpec
from bonanca.kernel.errors import NotFound
from bonanca.recovery.places.base import (
    Fetched,
    Parcel,
    Place,
    PlaceInvalid,
    ReplicaLocked,
    ReplicaMissing,
    ReplicaProblem,
    SourceChanged,
    sftp_needs,
)
from bonanca.recovery.places.folder import Folder

__all__ = [
    "Fetched",
    "Parcel",
    "Place",
    "PlaceInvalid",
    "ReplicaLocked",
    "ReplicaMissing",
    "ReplicaProblem",
    "SourceChanged",
    "checked_place",
    "open_place",
    "opened",
    "place_of",
    "spec_of",
]

S3_SCHEMES = ("s3", "s3a")
BUCKET_SCHEMES = ("gs", "az", "azure", "abfs", "abfss")


def spec_of(service: str, place: str) -> PlaceSpec:
    """The place with the options that the service declares for it; without any when it is not declared any more."""
    try:
        policy = get_service(service).backup
    except NotFound:
        policy = None
    return policy.place(place) if policy is not None else PlaceSpec(place)


def place_of(service: str, place: str) -> Place:
    """The place as the service declares it.

    Raises:
        ReplicaProblem: as of `opened`.
    """
    return opened(spec_of(service, place))


def opened(spec: PlaceSpec) -> Place:
    """Like `open_place`, where a place that cannot be used is one that does not work; needs no database.

    Raises:
        ReplicaProblem: its kind is unknown, or an option is missing (it is not declared any more).
    """
    try:
        return open_place(spec)
    except PlaceInvalid as error:
        raise ReplicaProblem(error.message, hint=error.hint) from error


def open_place(spec: PlaceSpec) -> Place:
    """The place that the options describe; nothing is connected to yet.

    Raises:
        PlaceInvalid.
    """
    checked_place(spec)
    scheme = _scheme(spec.place)
    # Only who has such a place pays for its client: it is loaded by every start otherwise.
    if scheme == "sftp":
        from bonanca.recovery.places.sftp import Sftp

        return Sftp(spec)
    if scheme in S3_SCHEMES:
        from bonanca.recovery.places.s3 import S3

        return S3(spec)
    if scheme in BUCKET_SCHEMES:
        from bonanca.recovery.places.bucket import Bucket

        return Bucket(spec.place)
    return Folder(spec.place)


def checked_place(spec: PlaceSpec) -> str:
    """Return the place's name if its kind is known and its options suffice.

    Raises:
        PlaceInvalid: with the kinds that are, or what is missing.
    """
    scheme = _scheme(spec.place)
    if scheme not in ("", "file", "sftp", *S3_SCHEMES, *BUCKET_SCHEMES):
        raise PlaceInvalid(
            _(
                "%(place)s: a replica is a directory, or a URL that begins with s3://, sftp://, gs:// or az://.",
            )
            % {"place": spec.place},
            field="backup.replicas",
        )
    if scheme == "sftp" and (spec.key_file is None or spec.known_hosts is None or not urlsplit(spec.place).username):
        raise sftp_needs(spec.place)
    return spec.place


def _scheme(place: str) -> str:
    return urlsplit(place).scheme if "://" in place else ""
