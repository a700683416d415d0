"""A supervisor over toy parts, in a process of its own, for the tests beside it.

Usage: python -m bonanca.cli.tests.toys FOLDER [with-database] [hurried] NAME=CODE...
"""

from __future__ import annotations

import sys
from pathlib import Path

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.cli.supervisor import child
from bonanca.cli.supervisor.child import Part
from bonanca.cli.supervisor.instance import describe, only_one, write_state
from bonanca.cli.supervisor.leftovers import started_ticks
from bonanca.cli.supervisor.supervisor import PartsKeepDying, Supervisor


def main(folder: Path, words: list[str]) -> int:
    if "hurried" in words:
        child.FIRST_DELAY_S = child.LONGEST_DELAY_S = 0.02
    cluster = Cluster(folder / "postgres") if "with-database" in words else None
    parts = [
        Part(name, (sys.executable, "-c", code), grace_s=2.0)
        for name, code in (word.split("=", 1) for word in words if "=" in word)
    ]

    def changed() -> None:
        running = {one.part.name: one for one in supervisor.children if one.pid is not None}
        facts = {name: {"pid": c.pid, "started": started_ticks(c.pid or 0)} for name, c in running.items()}
        write_state(folder, describe(folder, parts=facts, database=cluster.pid if cluster else None))

    supervisor = Supervisor(cluster, changed=changed)
    with only_one(folder), supervisor.attentive():
        try:
            if cluster is not None:
                cluster.init(durable=False)
                cluster.start(durable=False)
                cluster.wait_ready()
            supervisor.run(parts)
        except PartsKeepDying as problem:
            print(problem, flush=True)
            return 1
        finally:
            supervisor.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
