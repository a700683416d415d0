"""Who may do what, object by object: a table with a row for every operation of the API. What is not in it fails."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.test import Client

if TYPE_CHECKING:
    from tests.api.world import World

READ = ("viewer", "stranger", "responder", "commander", "administrator")
RESPOND = ("responder", "commander", "administrator")
COMMAND = ("commander", "administrator")
ADMINISTER = ("administrator",)
WHO = ("anonymous", "viewer", "stranger", "responder", "commander", "administrator")
# Refusals for other reasons than who asks are the business of other tests.
REFUSED = (401, 403)

REASON = {"reason": "porque sim"}
PATHS = "/api/v1/"
TABLE: tuple[tuple[str, str, tuple[str, ...], Any], ...] = (
    ("GET", "openapi.json", READ, None),
    ("GET", "me", READ, None),
    ("GET", "services", READ, None),
    ("GET", "services/loja-api", READ, None),
    ("GET", "services/loja-api/budget", READ, None),
    ("GET", "slos", READ, None),
    ("GET", "slos/loja-disponivel", READ, None),
    ("GET", "alerts", READ, None),
    ("GET", "alerts/{alert}", READ, None),
    ("GET", "services/loja-api/replicas", READ, None),
    ("POST", "services/loja-api/restart", RESPOND, REASON),
    ("POST", "services/loja-api/stop", RESPOND, REASON),
    ("POST", "services/loja-api/traffic", RESPOND, {"weights": "1=1", **REASON}),
    ("POST", "catalog/diff", ADMINISTER, "version: 1\n"),
    ("POST", "catalog/apply", ADMINISTER, "version: 1\n"),
    # An incident
    ("GET", "incidents", READ, None),
    ("POST", "incidents", RESPOND, {"title": "Caiu", "service": "loja-api", "severity": "high"}),
    ("GET", "incidents/{incident}", READ, None),
    ("GET", "incidents/{incident}/timeline", READ, None),
    ("GET", "incidents/{incident}/suspects", READ, None),
    ("POST", "incidents/{incident}/acknowledge", RESPOND, {}),
    ("POST", "incidents/{incident}/notes", RESPOND, {"text": "vi erros"}),
    ("POST", "incidents/{incident}/commander", RESPOND, {"email": "ana@loja.example"}),
    ("POST", "incidents/{incident}/severity", RESPOND, {"severity": "critical", **REASON}),
    ("POST", "incidents/{incident}/resolve", RESPOND, REASON),
    ("POST", "incidents/{resolved}/close", RESPOND, REASON),
    ("POST", "incidents/{resolved}/reopen", RESPOND, REASON),
    ("POST", "incidents/{incident}/updates", COMMAND, {"state": "investigating", "text": "Estamos vendo."}),
    # A containment
    ("GET", "incidents/{incident}/containments", READ, None),
    ("POST", "incidents/{incident}/containments", RESPOND, {"action": "disable", "match": "/cart", **REASON}),
    ("POST", "containments/{containment}/undo", RESPOND, {}),
    # A closer look
    ("GET", "watches", READ, None),
    ("POST", "watches", RESPOND, {"service": "loja-api"}),
    ("GET", "watches/{watch}", READ, None),
    ("GET", "watches/{watch}/minutes", READ, None),
    ("POST", "watches/{watch}/end", RESPOND, REASON),
    # Failed work that is run again
    ("GET", "reexecutions", READ, None),
    ("POST", "reexecutions", RESPOND, {"service": "loja-api", "incident": 1}),
    ("GET", "reexecutions/{reexecution}", READ, None),
    ("GET", "reexecutions/{reexecution}/items", READ, None),
    ("GET", "reexecutions/{reexecution}/report", READ, None),
    ("GET", "reexecutions/{reexecution}/report?contents=true", RESPOND, None),
    ("POST", "reexecutions/{reexecution}/choose", RESPOND, {"take": True}),
    ("POST", "reexecutions/{reexecution}/start", RESPOND, {}),
    ("POST", "reexecutions/{reexecution}/withdraw", RESPOND, {}),
    # A change
    ("GET", "changes", READ, None),
    ("POST", "changes", RESPOND, {"service": "loja-api", "version": "main"}),
    ("GET", "changes/{change}", READ, None),
    ("POST", "changes/{change}/gates", RESPOND, {}),
    ("GET", "changes/{change}/deployment", RESPOND, None),
    ("POST", "changes/{change}/deploy", RESPOND, {}),
    ("GET", "changes/{change}/rollback", RESPOND, None),
    ("GET", "services/loja-api/rollback", RESPOND, None),
    ("POST", "changes/{change}/rollback", RESPOND, {"incident": None}),
    # A proposed plan, and what carries it out
    ("GET", "response-plans", READ, None),
    ("GET", "response-plans/{proposed}", READ, None),
    ("POST", "response-plans/{proposed}/approve", COMMAND, {}),
    ("POST", "response-plans/{proposed}/criteria", RESPOND, {"rule": "data", "opinion": "for", "words": "vazou"}),
    ("POST", "response-plans/{proposed}/withdraw", RESPOND, {}),
    ("POST", "response-plans/{ended_rollback}/undo", RESPOND, {}),
    ("GET", "plans/", READ, None),
    ("GET", "plans/{run}", READ, None),
    ("POST", "plans/{run}/cancel", RESPOND, {}),
    ("POST", "plans/{run}/pause", RESPOND, {}),
    ("POST", "plans/{paused_run}/resume", RESPOND, {}),
    ("POST", "plans/{failed_run}/steps/{step}/skip", COMMAND, REASON),
    ("POST", "plans/{run}/abort", COMMAND, {}),
    ("POST", "plans/{failed_run}/retry", RESPOND, {}),
    ("POST", "plans/{failed_run}/undo", COMMAND, {}),
    # A post-mortem
    ("GET", "postmortems", READ, None),
    ("GET", "postmortems/{resolved}", READ, None),
    ("GET", "postmortems/{resolved}/markdown", READ, None),
    ("POST", "incidents/{resolved}/postmortem", RESPOND, {}),
    # Backups and pins
    ("GET", "backups?service=loja-api", READ, None),
    ("POST", "backups", RESPOND, {"service": "loja-api"}),
    ("GET", "backups/{backup}", READ, None),
    ("POST", "backups/{backup}/verify", RESPOND, {}),
    # Drills
    ("GET", "readiness", READ, None),
    ("GET", "set-asides?service=loja-api", READ, None),
    ("GET", "set-asides/{set_aside}", READ, None),
    ("GET", "set-asides/{set_aside}/export", RESPOND, None),
    (
        "POST",
        "set-asides/{set_aside}/settle",
        RESPOND,
        {"rows": [{"table": "orders", "key": "1"}], "decision": "discard", **REASON},
    ),
    ("GET", "drills", READ, None),
    ("POST", "drills", RESPOND, {"service": "loja-api"}),
    ("GET", "drills/{drill}", READ, None),
    ("POST", "backups/{backup}/check", RESPOND, {}),
    ("GET", "backup-retention?service=loja-api", READ, None),
    ("POST", "backup-retention/prune", COMMAND, {"service": "loja-api", "digest": "x"}),
    ("GET", "backup-keys?service=loja-api", READ, None),
    ("POST", "backup-keys/rewrap", COMMAND, {"service": "loja-api"}),
    ("GET", "backup-places?service=loja-api", READ, None),
    ("POST", "backups/{backup}/copies/retry", RESPOND, {"place": "/copies"}),
    # Standbys
    ("GET", "replication", READ, None),
    ("GET", "replication/loja-api/promotion", RESPOND, None),
    ("POST", "replication/loja-api/promotion", COMMAND, {}),
    ("GET", "replication/loja-api/rejoin", RESPOND, None),
    ("POST", "replication/loja-api/rejoin", COMMAND, {}),
    # Resume everything
    ("GET", "procedure", READ, None),
    ("GET", "own-backups", READ, None),
    ("GET", "exercises", READ, None),
    ("POST", "exercises", COMMAND, {}),
    ("GET", "exercises/{exercise}", READ, None),
    ("POST", "exercises/{exercise}/steps/{number}/begin", COMMAND, {}),
    ("POST", "exercises/{exercise}/steps/{number}/tick", COMMAND, {"outcome": "done"}),
    ("POST", "exercises/{exercise}/finish", COMMAND, {"abandon": True, "note": "alarm"}),
    ("GET", "pins?service=loja-api", READ, None),
    ("GET", "pins/{pin}/rows-at-risk", RESPOND, None),
    ("GET", "kept-databases?service=loja-api", READ, None),
    # Restores and what they keep
    ("GET", "kept-files?service=loja-api", READ, None),
    ("GET", "wal?service=loja-api", READ, None),
    ("POST", "wal/check", RESPOND, {"service": "loja-api"}),
    ("POST", "restore-points", RESPOND, {"service": "loja-api", "name": "before"}),
    ("GET", "restores?service=loja-api", READ, None),
    ("POST", "restores", RESPOND, {"service": "loja-api"}),
    ("GET", "restores/{restore}", READ, None),
    ("POST", "restores/{restore}/start", COMMAND, {}),
    ("POST", "restores/{started_restore}/undo", COMMAND, {}),
    ("POST", "kept-databases/loja-api/loja_kept/keep", RESPOND, {"hours": 24}),
    ("POST", "kept-databases/loja-api/loja_kept/open", COMMAND, {"hours": 1, **REASON}),
    ("POST", "kept-databases/loja-api/loja_kept/drop", COMMAND, {}),
    # What older data brings back, and what is kept
    ("GET", "erasures?service=loja-api", READ, None),
    ("POST", "erasures", RESPOND, {"service": "loja-api", "reference": "7", **REASON}),
    ("GET", "reviews?service=loja-api", READ, None),
    ("GET", "reviews/{review}", READ, None),
    ("POST", "reviews/{review}/points/{number}/tick", RESPOND, {"note": "visto"}),
    ("GET", "kept?service=loja-api", READ, None),
    # What to do while a service is away
    ("GET", "contingencies?service=loja-api", READ, None),
    ("POST", "contingencies/loja-api/loja-papel/start", RESPOND, {"exercise": True}),
    ("GET", "contingency-uses/{use}", READ, None),
    ("POST", "contingency-uses/{use}/steps/{number}/tick", RESPOND, {"outcome": "done"}),
    ("POST", "contingency-uses/{ready_use}/end", RESPOND, {"note": "deu certo"}),
    # The gateway's own door takes no token of another scope: see below.
    ("GET", "gateway/desired", (), None),
    ("POST", "gateway/applied", (), {}),
)


def ask(world: World, who: str, method: str, path: str, body: Any) -> Any:
    """Knock as somebody, and forget what that did: every cell of the table sees the same world."""
    headers = {"Authorization": f"Bearer {world.tokens[who]}"} if who != "anonymous" else {}
    data = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
    url = PATHS + path.format(**world.values())
    with transaction.atomic():
        response = Client().generic(method, url, data, content_type="application/json", headers=headers)
        transaction.set_rollback(True)
    return response


def cells() -> Iterator[tuple[str, str, tuple[str, ...], Any, str]]:
    for method, path, may, body in TABLE:
        for who in WHO:
            yield method, path, may, body, who


def test_everybody_may_what_the_table_says_and_nothing_else(world: World) -> None:
    wrong = []
    for method, path, may, body, who in cells():
        response = ask(world, who, method, path, body)
        told = f"{who} {method} {path}: {response.status_code} {response.content[:160]!r}"
        if response.status_code >= 500 or (response.status_code not in REFUSED) != (who in may):
            wrong.append(told)
        elif response.status_code in REFUSED and not response.json()["error"]["message"]:
            wrong.append(f"{told}: says nothing")
    assert not wrong, "\n".join(wrong)


def test_what_the_team_may_do_succeeds_on_real_things(world: World) -> None:
    # These have nothing to work on here: no gate let the change through, no pin or backup was declared.
    without_ground = {
        "changes/{change}/rollback",
        "drills",
        "services/loja-api/rollback",
        "exercises",
        "replication/loja-api/promotion",
        "replication/loja-api/rejoin",
        "backups",
        "backups/{backup}/verify",
        "backups/{backup}/copies/retry",
        "backup-retention/prune",
        "pins/{pin}/rows-at-risk",
    }
    without_ground |= {
        "restores",
        "restore-points",
        "erasures",
        "contingencies/loja-api/loja-papel/start",
        "backup-keys/rewrap",
        *(f"kept-databases/loja-api/loja_kept/{verb}" for verb in ("keep", "open", "drop")),
    }
    wrong = []
    for method, path, may, body in TABLE:
        if may and path not in without_ground:
            response = ask(world, may[-1], method, path, body)
            if response.status_code >= 300:
                wrong.append(f"{method} {path}: {response.status_code} {response.content[:300]!r}")
    assert not wrong, "\n".join(wrong)


def test_the_table_has_every_operation() -> None:
    from tests.support.doors import API_ROOT, doors

    shapes = {(method, re.sub(r"\{\w+\}|(?<=/)loja[\w-]+", "*", path.partition("?")[0])) for method, path, *_ in TABLE}
    unknown = re.compile(r"/(01930000-0000-7000-8000-000000000000|999999|unknown)(?=/|$)")
    there = {
        (door.method, unknown.sub("/*", door.path.removeprefix(API_ROOT)).lstrip("/"))
        for door in doors()
        if door.kind == "api"
    }
    assert not there - shapes, "operations without a row in the table"
    assert not shapes - there, "rows of operations that are gone"


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["Bearer bnc_wrong", "Bearer", "Basic !!!", "Basic YTpi", "nonsense", "Bearer \x7f"])
def test_a_wrong_token_is_told_so_in_json(header: str) -> None:
    for path in ("me", "openapi.json", "incidents", "gateway/desired", "incidents/1/acknowledge"):
        method = "POST" if "acknow" in path else "GET"
        response = Client().generic(method, PATHS + path, headers={"Authorization": header})
        assert response.status_code == 401, path
        assert response.json()["error"]["code"] == "unauthenticated"
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_opens_only_the_door_of_its_scope(world: World) -> None:
    for path, who, status in (
        ("gateway/desired", "gateway", 200),
        ("gateway/desired", "administrator", 401),
        ("me", "gateway", 401),
        ("openapi.json", "gateway", 401),
    ):
        assert ask(world, who, "GET", path, None).status_code == status, (path, who)


def test_only_a_commander_goes_through_a_closed_gate(world: World, tmp_path: Path) -> None:
    from tests.api.world import run_v1_with_a_database

    run_v1_with_a_database(tmp_path)
    for who, body, status in (
        ("responder", {}, 409),
        ("responder", {"override_reason": "agora"}, 403),
        ("commander", {}, 409),
        ("commander", {"override_reason": "agora"}, 201),
    ):
        response = ask(world, who, "POST", "changes/{change}/deploy", body)
        assert response.status_code == status, (who, response.content)
