"""What people do while a service is away, as it is declared; what is missing is a mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonanca.catalog.documents.load import load_text
from bonanca.catalog.documents.problems import CatalogInvalid
from bonanca.catalog.spec import ServiceView, from_json, to_json

HEAD = "version: 1\nteams: [{slug: loja}]\nservices:\n  - slug: loja-api\n    team: loja\n    contingencies:\n"
WHOLE = (
    "      - {slug: papel, kind: manual, when: fora, who: gerente, begin: [pegar o bloco], end: [digitar], max_h: 4}\n"
)


def read(text: str) -> ServiceView:
    return load_text(HEAD + text, name="bonanca.yaml", base=Path("/srv")).services[0]


def test_it_is_read_and_survives_the_catalog() -> None:
    service = read(WHOLE)
    assert from_json(to_json(service)) == service
    (found,) = service.contingencies
    assert (found.name, found.begin, found.max_h, found.exercise_every_days) == ("papel", ("pegar o bloco",), 4.0, 90.0)
    stored = to_json(service)
    del stored["contingencies"]
    assert from_json(stored).contingencies == ()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (WHOLE + WHOLE, "two contingencies are named 'papel'"),
        (WHOLE.replace("begin: [pegar o bloco]", "begin: []"), "begin"),
        (WHOLE.replace("kind: manual", "kind: magic"), "kind is not valid"),
        (WHOLE.replace("who: gerente, ", ""), "who is missing"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(text: str, wrong: str) -> None:
    with pytest.raises(CatalogInvalid) as refused:
        read(text)
    told = "\n".join(str(problem) for problem in refused.value.problems)
    assert wrong in told
    assert "bonanca.yaml:7" in told or "bonanca.yaml:6" in told
