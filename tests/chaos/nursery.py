"""Whole workers in milliseconds: one process loads Django once, and forks `bonanca worker` for each line on stdin.

A forked worker is a process like any other: it has its own pid, connections and threads. It dies with this one.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import traceback

from bonanca.config import worker
from bonanca.config.rooms import ROOMS
from bonanca.kernel.boot import setup_django
from bonanca.kernel.logs import configure
from bonanca.kernel.plugins import load
from tests.support.clocks import live_by_it

_PR_SET_PDEATHSIG = 1


def work(slot: str, log_file: str) -> int:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return worker.main(slot)


def main() -> None:
    live_by_it()
    configure()
    setup_django(operator=False)
    for room in ROOMS:
        load(f"{room}.worker")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps them
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = work(request["slot"], request["log"])
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                sys.stderr.flush()
                os._exit(code)
        print(json.dumps({"pid": pid}), flush=True)


if __name__ == "__main__":
    main()
