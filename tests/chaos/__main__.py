"""`make chaos`: many rollbacks, undos and restores of a tiny real service while processes are killed, from a seed."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from tests.chaos.storm import Wishes, storm


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos ARGS=…", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides what is killed, where and when (1)")
    parser.add_argument("--rollbacks", type=int, default=500, help="at least so many rollbacks, each then undone (500)")
    parser.add_argument("--restores", type=int, default=100, help="at least so many restores of a backup (100)")
    parser.add_argument("--minutes", type=float, default=None, help="end after so many minutes at the latest")
    parser.add_argument("--report", type=Path, default=Path("build/chaos"), help="folder of the report")
    parser.add_argument(
        "--after", type=Path, help="go on from this report (its JSON file) until the numbers are reached"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder of the run with its logs")
    given = parser.parse_args()
    wishes = Wishes(given.seed, given.rollbacks, given.restores, given.minutes, given.report, given.after)
    # Also in the background, where Ctrl-C does not reach: an ended run leaves its report and nothing else.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    folder = Path(tempfile.mkdtemp(prefix="bonanca-chaos-"))
    report = storm(folder, wishes, say=lambda line: print(line, flush=True))
    page = report.write(given.report)
    print(f"report: {page}")
    if report.wrong or given.keep:
        print(f"logs: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if report.wrong else 0


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
