"""Backups of pgBackRest on the pages, the command line and the API: beside all others, and told for what they are."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM
from bonanca.access.operations.create_token import create_token
from bonanca.catalog.spec import PgBackRestSpec
from bonanca.recovery import queries
from bonanca.recovery.cli.backup import app
from bonanca.recovery.engines import TakenOutside
from bonanca.recovery.engines.pgbackrest import ENGINE
from bonanca.recovery.operations.list_outside import list_outside
from bonanca.recovery.procedure_text import markdown
from bonanca.recovery.queries.procedure import procedure
from bonanca.recovery.tests.shop import NOW, Shop

LABEL = "20260312-020000F"
PLAIN, SECRET = "pgbackrest://main/repo1", "pgbackrest://main/repo2"


def taken(cipher: str) -> TakenOutside:
    began, ended = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
    facts = {"system_identifier": "7", "timeline": 1, "superuser": "postgres", "segment_bytes": 16 * 2**20}
    return TakenOutside(LABEL, "full", cipher, began, ended, "0/3000028", "0/4000050", 2_990_816, 22_992_382, 15, facts)


@pytest.fixture
def kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose pgBackRest has one backup in each of two repositories."""
    policy = shop.service.backup
    assert policy is not None
    spec = PgBackRestSpec("main", Path("/etc/pgbackrest/pgbackrest.conf"))
    shop.declare(backup=replace(policy, replicas=(), recipients=(), identity_file=None, pgbackrest=spec))
    found = {PLAIN: [taken("none")], SECRET: [taken("aes-256-cbc")]}
    monkeypatch.setattr(ENGINE, "kept", lambda service: found)
    assert list_outside(now=NOW) == []
    return shop


def test_the_pages_say_who_keeps_them_and_which_repository_is_in_the_clear(kept: Shop, member) -> None:
    browser = Client()
    browser.force_login(member)
    for page in ("", "places/", "retention/"):
        text = browser.get(f"/backups/{kept.slug}/{page}").content.decode()
        assert "Guardado pelo pgBackRest" in text
        assert "sem criptografia" in text
        assert "aes-256-cbc" in text
        assert "não declarad" not in text
    assert queries.outside_of(kept.slug).ciphers == ((PLAIN, "none"), (SECRET, "aes-256-cbc"))


def test_command_line_and_api_tell_the_engine_the_kind_and_the_cipher(kept: Shop, member) -> None:
    shown = CliRunner().invoke(app, ["show", kept.slug])
    assert shown.exit_code == 0, shown.output
    assert "engine pgbackrest" in shown.output
    assert LABEL in shown.output
    listed = json.loads(CliRunner().invoke(app, ["list", kept.slug, "--json"]).output)
    assert {backup["engine"] for backup in listed} == {"pgbackrest"}
    token = create_token(name="ci", user_email=member.email, actor=SYSTEM("test"), now=datetime.now(UTC))
    answer = Client(headers={"authorization": f"Bearer {token.secret}"}).get(f"/api/v1/backups?service={kept.slug}")
    found = {place: one for one in answer.json() for place in one["kinds"]}
    assert found[SECRET]["ciphers"] == {SECRET: "aes-256-cbc"}
    assert found[PLAIN]["kinds"] == {PLAIN: "full"}


def test_the_resume_procedure_has_the_line_that_works_without_us(kept: Shop) -> None:
    text = markdown(procedure(NOW))
    assert "pgbackrest --config=/etc/pgbackrest/pgbackrest.conf --stanza=main --repo=" in text
    assert f"--set={LABEL} --type=immediate restore" in text
    assert "pgBackRest opens it with its own configuration" in text
