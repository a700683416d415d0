"""Workers in milliseconds: one process loads Django once, and forks a worker for each request on stdin.

A request is `{"log": path, "slot": name, "env": {…}}`, the answer the worker's pid. A forked worker is a process like
any other: it has its own pid, connections and threads, and nothing of its siblings.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from typing import Any

from bonanca.kernel.boot import setup_django
from bonanca.kernel.logs import configure


def work(request: dict[str, Any]) -> None:
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.update(request["env"])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    from django.db import connection

    from bonanca.durable import engine
    from bonanca.durable.engine import leases

    if port := request["env"].get("DATABASE_PORT"):  # through a line of ours
        connection.settings_dict["PORT"] = port
        leases.SILENCE_S = 3.0
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    engine.serve(stop, request["slot"])


def main() -> None:
    configure()
    setup_django()
    import tests.faults.support.kinds  # noqa: F401 - registers the toy steps

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps them
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work(json.loads(line))
                code = 0
            except Exception:
                traceback.print_exc()
                raise
            finally:
                sys.stderr.flush()
                os._exit(code)
        print(json.dumps({"pid": pid}), flush=True)


if __name__ == "__main__":
    main()
