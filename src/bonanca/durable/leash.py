"""What commands leave behind ends with the worker, also their grandchildren.

The kernel ends a command when its worker dies (PDEATHSIG), but nothing that the command itself has started. So each
worker has one small watcher: a shell that learns which process groups run, over a pipe whose other end only the worker
holds. When the worker is gone, however it went, the pipe ends, and the watcher kills the groups that are left. It needs
neither root nor cgroups. What makes a session of its own (a service that is started on purpose) is left alone.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import threading

# Only numbers that we write come in; nothing of a command is ever read by this shell.
_WATCHER = """
groups=
while read -r sign group; do
  case $sign in
    +) groups="$groups $group" ;;
    -) left=; for g in $groups; do [ "$g" = "$group" ] || left="$left $g"; done; groups=$left ;;
  esac
done
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
"""

_lock = threading.Lock()
_watcher: subprocess.Popen[bytes] | None = None


def hold(group: int) -> None:
    """The process group is to end with this process."""
    _tell(f"+ {group}\n")


def let_go(group: int) -> None:
    """The process group has ended; its number may name another one soon."""
    _tell(f"- {group}\n")


def _tell(line: str) -> None:
    global _watcher
    with _lock:
        if _watcher is None or _watcher.poll() is not None:
            _watcher = _started()
        assert _watcher.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # somebody killed it: the next command starts another one
            _watcher.stdin.write(line.encode("ascii"))
            _watcher.stdin.flush()


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCHER],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        # Its own session: a Ctrl-C that ends the worker must leave it the moment that it needs.
        start_new_session=True,
    )


def _forget() -> None:
    """A forked process must not keep its parent's watcher alive, nor count on it."""
    global _watcher, _lock
    if _watcher is not None and _watcher.stdin is not None:
        with contextlib.suppress(OSError):
            os.close(_watcher.stdin.fileno())
        _watcher.returncode = 0  # not ours to wait for
    _watcher, _lock = None, threading.Lock()


def _end() -> None:
    """This process ends in order: so does the watcher, and what is left on the leash."""
    if _watcher is not None and _watcher.stdin is not None and _watcher.returncode is None:
        with contextlib.suppress(OSError):
            _watcher.stdin.close()
        _watcher.wait()


os.register_at_fork(after_in_child=_forget)
atexit.register(_end)
