"""A process that starts plans as a page would: one JSON request a line on stdin, one answer a line on stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from bonanca.kernel.boot import setup_django


class Refused(Exception):
    """Raised to roll a caller's transaction back."""


def answer(request: dict[str, Any]) -> dict[str, Any]:
    from django.db import transaction

    from bonanca.access.actors import SYSTEM
    from bonanca.durable.crashpoints import point
    from bonanca.durable.operations.abort_plan import abort_plan
    from bonanca.durable.operations.cancel_plan import cancel_plan
    from bonanca.durable.operations.retry_plan import retry_plan
    from bonanca.durable.operations.start_plan import start_plan
    from bonanca.durable.operations.undo_plan import undo_plan
    from bonanca.durable.plan import PlanSpec, StepSpec
    from bonanca.kernel.clock import utc_now

    actor, now = SYSTEM("test"), utc_now()
    other = {"undo": undo_plan, "retry": retry_plan, "cancel": cancel_plan, "abort": abort_plan}.get(request["do"])
    if other is not None:
        return {"run": str(other(UUID(request["run"]), actor=actor, now=now).id)}
    steps = tuple(StepSpec(key, "toy.append", {"path": request["path"]}) for key in request["steps"])
    spec = PlanSpec("toy", "toy", "Toy plan", steps, exclusive=request.get("exclusive", ""))
    try:
        with transaction.atomic():
            run = start_plan(spec, actor=actor, now=now, key=request["key"])
            for name in request.get("arm", []):
                Path(request["control"], name.replace("RUN", str(run.id))).touch()
            if request.get("roll_back"):
                raise Refused
    except Refused:
        return {"run": str(run.id)}
    point("start:committed")
    return {"run": str(run.id)}


def main() -> None:
    setup_django()
    from django.db import connection

    import tests.faults.support.kinds  # noqa: F401 - registers the toy steps

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
        connection.close()  # as between requests: the next one gets a connection that works


if __name__ == "__main__":
    main()
