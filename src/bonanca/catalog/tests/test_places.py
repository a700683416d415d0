"""Replicas are folders, addresses, or places with options; what does not fit is a mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonanca.catalog.documents.load import load_text
from bonanca.catalog.documents.problems import CatalogInvalid
from bonanca.catalog.spec import BackupSpec, from_json, to_json

DOCUMENT = """version: 1
teams: [{{slug: loja}}]
services:
  - slug: loja-api
    team: loja
    database: {{dsn_file: dsn, name: loja}}
    backup:
      replicas:
        - ./a
        - {second}
      {more}
"""


def backup_of(second: str, more: str = "every_h: 24") -> BackupSpec:
    catalog = load_text(DOCUMENT.format(second=second, more=more), name="bonanca.yaml", base=Path("/srv"))
    service = catalog.services[0]
    assert from_json(to_json(service)) == service
    assert service.backup is not None
    return service.backup


def test_a_replica_may_be_a_place_with_options():
    policy = backup_of(
        "{place: s3://copies/loja, endpoint: 'https://s3.example:9000', credentials_file: ./s3.ini, lock_days: 30}",
        "min_copies: 2",
    )
    assert policy.replicas == ("/srv/a", "s3://copies/loja")
    place = policy.place("s3://copies/loja")
    assert (place.endpoint, place.lock_days, place.credentials_file) == (
        "https://s3.example:9000",
        30,
        Path("/srv/s3.ini"),
    )
    assert policy.place("/srv/a").lock_days == 0
    assert policy.min_copies == 2


def test_sftp_needs_a_user_a_key_and_known_hosts():
    place = backup_of("{place: 'sftp://u@nas.example:2222/srv', key_file: ./key, known_hosts: ./known}").places[0]
    assert (place.key_file, place.known_hosts) == (Path("/srv/key"), Path("/srv/known"))


@pytest.mark.parametrize(
    ("second", "wrong"),
    [
        ("sftp://u@nas.example/srv", "key_file"),
        ("{place: sftp://u@nas.example/srv}", "key_file is missing"),
        ("{place: 'sftp://nas.example/srv', key_file: k, known_hosts: h}", "sftp://user@host"),
        ("{place: 'sftp://u:secret@nas.example/srv', key_file: k, known_hosts: h}", "without a password"),
        ("{place: ftp://example/x}", "s3, sftp, gs or az"),
        ("{place: ./b, lock_days: 3}", "this kind of place does not have it"),
        ("{place: s3://b, key_file: k}", "this kind of place does not have it"),
        ("{place: s3://b, endpoint: 'http://x:9000'}", "allow_http"),
        ("{place: ./a}", "two replicas are the same place"),
        ("{place: s3://b, lock_day: 3}", "lock_days"),
    ],
)
def test_what_does_not_fit_is_named(second, wrong):
    with pytest.raises(CatalogInvalid, match=r"bonanca\.yaml:\d+") as caught:
        backup_of(second)
    assert wrong in str(caught.value)


def test_more_copies_than_places_cannot_be_wanted():
    with pytest.raises(CatalogInvalid, match="from 1 to 2"):
        backup_of("./b", "min_copies: 3")
