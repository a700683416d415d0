"""Read where backups lie: each replica a path or address, or a mapping of one with its options."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from bonanca.catalog.documents.nodes import Node
from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import PlaceSpec
from bonanca.catalog.spec.wal import ENGINES

SCHEMES = ("", "file", "s3", "s3a", "sftp", "gs", "az", "azure", "abfs", "abfss")
OF_S3 = ("endpoint", "region", "credentials_file", "profile", "allow_http", "lock_days")
OF_SFTP = ("key_file", "known_hosts")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_PROFILE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def read_places(reader: Reader) -> tuple[tuple[str, ...], tuple[PlaceSpec, ...]]:
    """The names of `replicas` in their order, and the options of those that have any; pgBackRest knows its own."""
    names: list[str] = []
    options: list[PlaceSpec] = []
    ours = reader.choice("engine", ENGINES, ENGINES[0]) != "pgbackrest"
    for node in reader.items("replicas", required=ours):
        if node.is_mapping:
            sub = reader.sub(node, reader.what)
            place = _place(sub)
            sub.done()
            names.append(place.place)
            options.append(place)
        else:
            names.append(_name(reader, node, "replicas"))
            if urlsplit(names[-1]).scheme == "sftp":
                reader.bad(node, "replicas", _("a mapping of place, key_file and known_hosts"))
    if len(set(names)) != len(names):
        reader.wrong(reader.entries["replicas"], _("%(what)s: two replicas are the same place") % {"what": reader.what})
    return tuple(names), tuple(options)


def _place(reader: Reader) -> PlaceSpec:
    node = reader.take("place", required=True)
    name = _name(reader, node, "place") if node is not None else ""
    found = PlaceSpec(
        place=name,
        endpoint=reader.pattern("endpoint", _ENDPOINT, _("an address such as https://s3.example:9000")) or None,
        region=reader.pattern("region", _REGION, _("a region such as sa-east-1")) or None,
        credentials_file=reader.path("credentials_file"),
        profile=reader.pattern("profile", _PROFILE, _("the name of a profile")) or None,
        allow_http=reader.flag("allow_http"),
        allow_private=reader.flag("allow_private"),
        lock_days=reader.integer("lock_days", 0, minimum=0, maximum=36_500),
        key_file=reader.path("key_file"),
        known_hosts=reader.path("known_hosts"),
    )
    _fits(reader, urlsplit(name).scheme if "://" in name else "", found)
    return found


def _fits(reader: Reader, scheme: str, place: PlaceSpec) -> None:
    """Options that the kind of place does not have would be silently without effect."""
    allowed = {"s3": (*OF_S3, "allow_private"), "s3a": (*OF_S3, "allow_private"), "sftp": (*OF_SFTP, "allow_private")}
    for key in (*OF_S3, *OF_SFTP, "allow_private"):
        if key in reader.entries and key not in allowed.get(scheme, ()):
            reader.bad(reader.entries[key], key, _("nothing: this kind of place does not have it"))
    if scheme == "sftp":
        reader.take("key_file", required=True)
        reader.take("known_hosts", required=True)
    if place.endpoint and place.endpoint.startswith("http://") and not place.allow_http:
        reader.bad(reader.entries["endpoint"], "endpoint", _("https, or allow_http: true beside it"))


def _name(reader: Reader, node: Node, key: str) -> str:
    name = reader.place_of(node, key)
    address = urlsplit(name) if "://" in name else None
    if address is None:
        return name
    if address.scheme not in SCHEMES or address.password is not None:
        reader.bad(node, key, _("a folder, or an address of s3, sftp, gs or az; without a password in it"))
    elif address.scheme == "sftp" and not (address.username and address.hostname and address.path.strip("/")):
        reader.bad(node, key, _("an address such as sftp://user@host:22/folder"))
    return name
