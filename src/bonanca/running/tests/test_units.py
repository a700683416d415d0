"""What is said of a unit's replica."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bonanca.actuators.process.record import Record
from bonanca.actuators.process.spec import Replica
from bonanca.actuators.systemd.spec import Part
from bonanca.actuators.systemd.supervise import SeenUnit
from bonanca.actuators.systemd.units import UnitState
from bonanca.running.state import ReplicaState
from bonanca.running.units import _seen


def test_what_a_plan_stopped_is_stopped_and_given_up_by_nobody(tmp_path: Path) -> None:
    state = UnitState("loja.service", True, "failed", "failed", 0, 0, "i", "exit-code")
    seen = SeenUnit(Part(state.unit, (Replica(1),)), state, Record(state.unit, "loja", 1), "abc")
    assert _seen(seen, watched=False).state is ReplicaState.GIVEN_UP
    assert _seen(replace(seen, stopped=True), watched=False).state is ReplicaState.STOPPED
