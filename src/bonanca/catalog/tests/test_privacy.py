"""What must not come back with older data, as it is declared; what does not fit is a mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonanca.catalog.documents.load import load_text
from bonanca.catalog.documents.problems import CatalogInvalid
from bonanca.catalog.spec import PrivacySpec, ServiceView, from_json, to_json

DOCUMENT = """version: 1
teams: [{{slug: loja}}]
services:
  - slug: loja-api
    team: loja
    {database}
    privacy:
      erasures:
        find: {find}
        sql: [{sql}]
      compare:
        - {{name: Tokens, kind: tokens, sql: SELECT id FROM tokens, after: DELETE FROM tokens WHERE id = %(key)s}}
      after_restore:
        - {{name: Sessions, sql: DELETE FROM sessions}}
      four_eyes: true
"""
FIND = "SELECT count(*) FROM people WHERE id = %(reference)s AND name NOT LIKE 'x%%'"


def service_of(
    find: str = FIND, sql: str = "DELETE FROM people WHERE id = %(reference)s", database: str = "dsn"
) -> ServiceView:
    declared = f"database: {{dsn_file: {database}, name: loja}}" if database else "critical: true"
    text = DOCUMENT.format(find=find, sql=sql, database=declared)
    return load_text(text, name="bonanca.yaml", base=Path("/srv")).services[0]


def test_it_is_read_and_survives_the_catalog() -> None:
    service = service_of()
    assert from_json(to_json(service)) == service
    assert isinstance(service.privacy, PrivacySpec)
    assert service.privacy.erasures is not None
    assert service.privacy.erasures.find == FIND
    assert (service.privacy.ask, service.privacy.four_eyes) == ("findings", True)
    assert service.privacy.compare[0].kind == "tokens"


def test_a_service_of_an_earlier_release_declares_none() -> None:
    stored = to_json(service_of())
    del stored["privacy"]
    assert from_json(stored).privacy is None


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"find": "SELECT 1"}, "find does not use %(reference)s"),
        ({"find": "SELECT count(*) FROM p WHERE n LIKE 'x%' AND id = %(reference)s"}, "percent sign"),
        ({"sql": "DELETE FROM p WHERE id = '%(reference)s'"}, "in quotes"),
        ({"sql": ""}, "nothing erases again"),
        ({"database": ""}, "database is missing"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(changes: dict[str, str], wrong: str) -> None:
    with pytest.raises(CatalogInvalid) as refused:
        service_of(**changes)
    text = "\n".join(str(problem) for problem in refused.value.problems)
    assert wrong in text
    assert "bonanca.yaml:" in text
