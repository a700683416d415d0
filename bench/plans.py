"""What a plan costs beside the same commands in a shell script, and how soon it goes on after its worker was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.ground import DATABASE, Ground
from bench.measures import Aim, Chapter, Lap, Say, in_turns
from bonanca.actuators.postgres.binaries import pg_bin_of, pg_environment
from tests.support.poll import eventually

ROOT = Path(__file__).resolve().parents[1]
PLAN, SCRIPT = "plan of ten commands", "the same in a shell script"
OTHER, SAME = "another worker is there", "the only worker, started again at once"
COMMANDS, SECONDS = 10, 0.5


def overhead(ground: Ground, rounds: int, say: Say) -> Chapter:
    """Ten commands that each ask the server to wait for half a second."""
    argv = _command(ground)
    script = ground.folder / "commands.sh"
    script.write_text("set -e\n" + "\n".join([" ".join(f"'{word}'" for word in argv)] * COMMANDS) + "\n")

    def plan(lap: Lap) -> None:
        finished(_started(ground, argv))

    def shell(lap: Lap) -> None:
        subprocess.run(["/bin/sh", script], env=_environment(), check=True, capture_output=True, cwd="/")

    with workers(ground, "1"):
        measured = in_turns({PLAN: plan, SCRIPT: shell}, rounds, say)
    return Chapter(
        "What a plan costs",
        f"{COMMANDS} commands of psql that each wait for {SECONDS} s: as steps of a plan, each with its receipt in the"
        " journal before the next begins, and in a shell script. From the start until the last has ended.",
        measured,
        (Aim("a plan's own overhead ≤ 10 %", PLAN, 1.1, SCRIPT),),
    )


def resume(ground: Ground, rounds: int, say: Say) -> Chapter:
    """SIGKILL to the worker in the middle of a step, until a worker does the step again."""

    def other(lap: Lap) -> None:
        with workers(ground, "1", "2"):
            _killed(ground, lap, again=False)

    def same(lap: Lap) -> None:
        with workers(ground, "1"):
            _killed(ground, lap, again=True)

    measured = in_turns({OTHER: other, SAME: same}, rounds, say)
    return Chapter(
        "After a kill",
        "From SIGKILL to the worker that carries a plan out until a worker has taken the plan over. A worker that is"
        " started again also has to load Python and Django, as `bonanca up` and systemd start it.",
        measured,
        (Aim("resume after a kill ≤ 2 s", OTHER, 2.0), Aim("resume after a kill ≤ 2 s", SAME, 2.0)),
    )


def _command(ground: Ground) -> list[str]:
    psql = str(pg_bin_of(ground.major, "psql"))
    # The password stays out of both: the socket's folder is ours alone.
    return [
        *(psql, "-X", "-h", str(ground.server.sockets), "-p", str(ground.server.port), "-U", "postgres"),
        *("-d", DATABASE, "-c", f"select pg_sleep({SECONDS})"),
    ]


def _environment() -> dict[str, str]:
    return {name: value for name, value in pg_environment().items() if name in ("PATH", "HOME", "LANG", "LC_ALL")}


def _started(ground: Ground, argv: list[str]) -> UUID:
    from bonanca.access.actors import SYSTEM
    from bonanca.durable.operations.start_plan import start_plan
    from bonanca.durable.plan import PlanSpec, StepSpec
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.ids import new_id

    params = {"argv": argv, "cwd": str(ground.folder), "resource": "bench"}
    steps = tuple(StepSpec(f"c{number}", "command.run", params, f"command {number}") for number in range(COMMANDS))
    spec = PlanSpec("bench", "bench", "Bench", steps)
    return start_plan(spec, actor=SYSTEM("bench"), now=utc_now(), key=f"bench:{new_id()}").id


def finished(run_id: UUID, timeout_s: float = 120.0) -> None:
    """Wait until a plan has succeeded, looking often."""
    from bonanca.durable.models import PlanRun

    def ended() -> bool:
        state, error = PlanRun.objects.values_list("state", "error").get(pk=run_id)
        assert state not in ("failed", "cancelled"), error
        return state == "succeeded"

    eventually(ended, timeout_s=timeout_s, every_s=0.01, ignoring=())


def _killed(ground: Ground, lap: Lap, *, again: bool) -> None:
    from bonanca.durable.models import PlanRun

    run_id = _started(ground, _command(ground))

    def holder() -> Any:
        steps = PlanRun.objects.get(pk=run_id).steps.filter(state="done").count()
        return steps >= 2 and PlanRun.objects.values_list("executor__pid", "epoch").get(pk=run_id)

    pid, epoch = eventually(holder, timeout_s=60, every_s=0.01)
    os.kill(pid, signal.SIGKILL)
    lap.began = time.monotonic()
    if again:
        _worker(ground, "1")

    def taken() -> bool:
        return PlanRun.objects.filter(pk=run_id, state="running", epoch__gt=epoch).exists()

    eventually(taken, timeout_s=60, every_s=0.005)
    lap.done()
    finished(run_id)


_running: list[subprocess.Popen[bytes]] = []


@contextmanager
def workers(ground: Ground, *slots: str) -> Iterator[None]:
    """Whole workers, as separate processes, until the block ends."""
    from bonanca.durable.models import Executor

    known = set(Executor.objects.values_list("id", flat=True))
    try:
        for slot in slots:
            _worker(ground, slot)

        def there() -> bool:
            return Executor.objects.filter(ended_at=None).exclude(id__in=known).count() >= len(slots)

        eventually(there, timeout_s=60)
        yield
    finally:
        for child in _running:
            child.kill()
            child.wait()
        _running.clear()


def _worker(ground: Ground, slot: str) -> None:
    with (ground.folder / f"worker{slot}.log").open("ab") as log:
        argv = [sys.executable, "-m", "bonanca.cli.main", "worker", "--slot", slot]
        _running.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT))
