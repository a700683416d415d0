"""One supervised process: started with a lifeline, heard, started again when it dies, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from bonanca.actuators.postgres.lifeline import dying_with_parent, spawn
from bonanca.cli.supervisor.output import Speaker

# A life shorter than this counts as "did not come up", in seconds.
SHORT_LIFE_S = 10.0
FIRST_DELAY_S, LONGEST_DELAY_S = 0.2, 5.0
# So many short lives in a row, and starting it again is pointless.
MOST_SHORT_LIVES = 8


@dataclass(frozen=True)
class Part:
    """What is to be run. `once`: it is expected to end by itself."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    grace_s: float = 10.0
    once: bool = False


class Child:
    """A part and its present process."""

    def __init__(self, part: Part, speaker: Speaker) -> None:
        self.part = part
        self.speaker = speaker
        self.process: subprocess.Popen[bytes] | None = None
        self.restarts = 0
        self.short_lives = 0
        self.due_at = 0.0
        self.last_lines: deque[str] = deque(maxlen=6)
        self._started_at = 0.0

    @property
    def pid(self) -> int | None:
        """The running process's id."""
        return self.process.pid if self.process is not None else None

    def start(self) -> int:
        """Start it and return the file descriptor of its output.

        Raises:
            OSError: the program cannot be started.
        """
        argv = dying_with_parent(self.part.argv, "TERM")
        environment = {**os.environ, **self.part.env, "PYTHONUNBUFFERED": "1"}
        # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which ends its children in order.
        self.process = spawn(
            lambda: subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        )
        self._started_at = time.monotonic()
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        os.set_blocking(descriptor, False)
        return descriptor

    def hear(self) -> bool:
        """Pass on what it wrote; return False once its output is closed."""
        if self.process is None or self.process.stdout is None:
            return False
        try:
            data = os.read(self.process.stdout.fileno(), 65_536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            self.speaker.flush()
            return False
        self.last_lines.extend(line for line in data.decode(errors="replace").splitlines() if line.strip())
        self.speaker.feed(data)
        return True

    def ended(self) -> int | None:
        """Return its exit code if it ended since the last call, else None."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        while self.hear():  # what it said last is usually why it died
            if self._nothing_more():
                break
        self.speaker.flush()
        # What it forked and left behind is in its session, and would keep ports and locks.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
        lived_s = time.monotonic() - self._started_at
        self.short_lives = self.short_lives + 1 if lived_s < SHORT_LIFE_S else 0
        delay_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** max(0, self.short_lives - 1))
        self.due_at = time.monotonic() + delay_s
        return code

    def _nothing_more(self) -> bool:
        import select

        assert self.process is not None
        assert self.process.stdout is not None
        return not select.select([self.process.stdout], [], [], 0)[0]

    def hopeless(self) -> bool:
        """Tell whether it died young too many times in a row."""
        return self.short_lives >= MOST_SHORT_LIVES

    def signal(self, number: signal.Signals) -> None:
        """Signal it; SIGKILL goes to all that it started in its session."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)


def outcome(code: int) -> str:
    """Say an exit code in words: `exit code 3`, `SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
