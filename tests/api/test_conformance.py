"""The API against its own description: whatever is sent, no 5xx, and every answer is one that was announced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

if TYPE_CHECKING:
    from tests.api.world import World

EXAMPLES = 6
# What must be refused the operations know better than a schema can say; that it is refused *well* is checked here.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Waiting for news is what these are for; here nobody has the time.
NOT_ASKED = {"wait"}


@pytest.fixture
def description(world: World) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {world.tokens['viewer']}"}
    found: dict[str, Any] = Client().get("/api/v1/openapi.json", headers=headers).json()
    return found


def test_no_two_shapes_have_one_name() -> None:
    """The description keeps shapes by their name alone: of two with one name it would tell only the last."""
    from ninja import Schema

    ours = [shape for shape in _below(Schema) if shape.__module__.startswith("bonanca.")]
    names = [shape.__name__ for shape in ours]
    assert not {f"{s.__module__}.{s.__name__}" for s in ours if names.count(s.__name__) > 1}


def _below(shape: type) -> set[type]:
    return {below for child in shape.__subclasses__() for below in {child, *_below(child)}}


def test_it_describes_itself(description: dict[str, Any]) -> None:
    assert description["info"]["title"] == "Bonança"
    assert "/api/v1/incidents/{number}" in description["paths"]
    assert "/api/v1/openapi.json" not in description["paths"]
    identities = [operation["operationId"] for path in description["paths"].values() for operation in path.values()]
    assert len(set(identities)) == len(identities)
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), f"{method} {path} says nothing"
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Refused"}


@pytest.fixture
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests stay in the test's transaction: a real handler would take a fresh connection for each."""
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)


def test_every_answer_is_one_that_was_announced(world: World, one_connection: None) -> None:
    schema = schemathesis.openapi.from_wsgi(
        "/api/v1/openapi.json", WSGIHandler(), headers={"Authorization": f"Bearer {world.tokens['viewer']}"}
    )
    problems: dict[str, str] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        try:
            _ask_about_anything(operation, world)
        except (AssertionError, FailureGroup, BaseExceptionGroup) as problem:
            problems[operation.label] = _told(problem)
    assert not problems, json.dumps(problems, indent=1, ensure_ascii=False)


def _ask_about_anything(operation: Any, world: World) -> None:
    """Send made-up input, half of it about things that are there, each time to the same world."""
    who = "gateway" if "/gateway/" in operation.path else "administrator"
    real = {"number": world.incident, "change_number": world.change, "slug": "loja-api", **_ids(operation.path, world)}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), there=st.booleans())
    def ask(case: Any, there: bool) -> None:
        if there and case.path_parameters:
            case.path_parameters = {name: real.get(name, value) for name, value in case.path_parameters.items()}
        if case.query:
            case.query = {name: value for name, value in case.query.items() if name not in NOT_ASKED}
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {world.tokens[who]}"}
        with transaction.atomic():
            response = case.call()
            transaction.set_rollback(True)
        case.validate_response(response, checks=CHECKS)

    ask()


def _ids(path: str, world: World) -> dict[str, str]:
    proposed = world.ended_rollback if path.endswith("/undo") else world.proposed
    return {
        "number": str(world.change if "/changes/" in path else world.incident),
        "run_id": str(world.run),
        "plan_id": str(proposed),
        "alert_id": str(world.alert),
        "containment_id": str(world.containment),
        "backup_id": str(world.backup),
        "pin_id": str(world.pin),
    }


def _told(problem: BaseException) -> str:
    inner = getattr(problem, "exceptions", (problem,))
    return " | ".join(" ".join(str(one).split())[:600] for one in inner)
