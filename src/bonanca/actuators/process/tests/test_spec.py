"""A process is described once, in a plan's parameters, and wrong ones are refused with a reason."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from bonanca.actuators.process.spec import BadSpec, Health, ProcessSpec, Replica

GOOD: dict[str, Any] = {
    "service": "loja-api",
    "root": "/srv/loja",
    "command": ["{python}", "-m", "loja.serve", "--port", "{port}", "--config", "{config}", "{{release}}", "{other}"],
    "replicas": [{"port": 9101}],
    "config": "/srv/loja/loja.toml",
    "env": {"A": 1},
    "health": {"path": "/health", "timeout_s": 3},
}


def test_it_survives_a_plan() -> None:
    spec = ProcessSpec.from_json(GOOD)
    assert ProcessSpec.from_json(spec.to_json()) == spec
    assert (spec.health, spec.env) == (Health("/health", 3.0), {"A": "1"})


def test_the_command_is_filled_for_a_replica_and_other_braces_stay() -> None:
    argv = ProcessSpec.from_json(GOOD).argv(Replica(9101), Path("/srv/loja/releases/v1"))
    assert argv[0] == sys.executable
    assert argv[4:] == ["9101", "--config", "/srv/loja/loja.toml", "{/srv/loja/releases/v1}", "{other}"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"root": "var/loja"}, "absolute"),
        ({"service": "../etc"}, "cannot name a file"),
        ({"command": []}, "command"),
        ({"replicas": [{"port": "many"}]}, "many"),
        ({"replicas": None}, "TypeError"),
    ],
)
def test_a_wrong_one_is_refused_with_the_reason(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSpec, match=message):
        ProcessSpec.from_json({**GOOD, **change})
