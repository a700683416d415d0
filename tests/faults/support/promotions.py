"""A process that declares a service with a standby, and starts its promotions and their undos, as a page would."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bonanca.kernel.boot import setup_django


def answer(request: dict[str, Any]) -> dict[str, Any]:
    from bonanca.access.actors import SYSTEM
    from bonanca.catalog.documents.load import load_catalog
    from bonanca.catalog.operations.apply_catalog import apply_catalog
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.preview_rejoin import preview_rejoin
    from bonanca.recovery.operations.start_promotion import start_promotion
    from bonanca.recovery.operations.start_rejoin import start_rejoin

    actor, now = SYSTEM("test"), utc_now()
    common: dict[str, Any] = {"service": "loja", "actor": actor, "now": now}
    if request["do"] == "apply":
        path = Path(request["path"])
        apply_catalog(load_catalog(path), source=str(path), actor=actor, now=now)
        return {"done": True}
    if request["do"] == "promote":
        return {"run": str(start_promotion(**common, key=request["key"]).id)}
    if request["do"] == "look":
        shown = preview_rejoin(**common)
        return {"rewind": shown.rewind, "why": shown.why, "problems": list(shown.problems)}
    return {"run": str(start_rejoin(**common, key=request["key"], back=request.get("back", False)).id)}


def main() -> None:
    setup_django()
    from django.db import connection

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
        connection.close()


if __name__ == "__main__":
    main()
