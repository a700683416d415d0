"""How long a plan is expected to take: as last time, else a guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bonanca.durable import queries as durable
from bonanca.durable.plan import PlanSpec
from bonanca.durable.state import RunState

# Seconds that a step is said to take before it has ever run here; a room adds those of its own kinds.
GUESS_S: dict[str, float] = {
    "git.release": 0.5,
    "command.run": 3.0,
    "files.write": 0.1,
    "process.restart": 6.0,
    "process.stop": 2.0,
    "systemd.restart": 6.0,
    "systemd.restart_on_undo": 0.1,
    "systemd.stop": 2.0,
    "ssh.release": 3.0,
    "ssh.run": 3.0,
    "ssh.write": 1.0,
    "docker.release": 2.0,
    "docker.run": 4.0,
    "docker.restart": 6.0,
    "docker.stop": 2.0,
    "gateway.maintenance": 0.5,
    "gateway.open": 0.5,
    "gateway.weights": 0.5,
    "response.verify": 1.0,
    # Looking takes a moment; how long people think about it nobody knows.
    "recovery.review": 1.0,
    "recovery.reapply_erasures": 1.0,
    "recovery.check_erasures": 0.5,
}


def with_expected_times(spec: PlanSpec, guesses_s: Mapping[str, float]) -> PlanSpec:
    """Return the plan with each step's expected seconds: as in the last such run, else a guess by its kind."""
    measured: dict[str, float] = {}
    for run in durable.list_runs(subject=spec.subject, kind=spec.kind, states=[RunState.SUCCEEDED], limit=1):
        for done in run.steps:
            if done.started_at and done.finished_at:
                measured[done.key] = round((done.finished_at - done.started_at).total_seconds(), 2)
    guess = {**GUESS_S, **guesses_s}
    steps = tuple(replace(s, expected_s=s.expected_s or measured.get(s.key, guess.get(s.kind))) for s in spec.steps)
    return replace(spec, steps=steps)
