"""As whom PostgreSQL runs (it refuses root), and how it is tied to the process that started it.

Root first tries a user namespace: files stay root's, and the server sees itself as `nobody`. Where namespaces are
forbidden (Docker's default), it becomes the real `nobody` on a directory of its own. That user keeps one capability
(reading or crossing directories it does not own), since homes such as /root/x and virtual environments below them are
closed to others, and loosening their modes would be a change outside BONANCA_HOME.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bonanca.actuators.postgres.binaries import pg_bin, pg_environment
from bonanca.kernel.errors import Unavailable

NOBODY = 65_534


class CannotRunPostgres(Unavailable):
    """No unprivileged way to run the server was found on this machine."""


@dataclass(frozen=True)
class Sandbox:
    """A way to run programs as somebody PostgreSQL accepts. `owner` is the uid that must own its files on disk."""

    name: str
    prefix: tuple[str, ...]
    owner: int

    def argv(self, command: Sequence[str | os.PathLike[str]]) -> list[str]:
        """Return the command behind this sandbox's prefix."""
        return [*self.prefix, *(os.fspath(part) for part in command)]

    def give(self, path: Path) -> None:
        """Make `path` belong to the user that the server runs as."""
        if path.stat().st_uid != self.owner:
            os.chown(path, self.owner, -1)


def choose_sandbox(home: Path) -> Sandbox:
    """Return the first sandbox that works on this machine for `home`, an existing directory.

    Raises:
        CannotRunPostgres: none works; the message says what was tried.
    """
    data = home / "data"
    owner = data.stat().st_uid if data.exists() else None
    tried: list[str] = []
    for candidate in _candidates():
        if owner is not None and candidate.owner != owner:
            tried.append(f"{candidate.name}: {data} belongs to uid {owner}")
            continue
        problem = _problem(candidate, home)
        if problem is None:
            return candidate
        tried.append(f"{candidate.name}: {problem}")
    raise CannotRunPostgres(
        f"PostgreSQL cannot be run on {home} by uid {os.geteuid()} ({'; '.join(tried)}).",
        hint="Run Bonança as an ordinary user, or as the one who owns that directory, or set DATABASE_URL.",
    )


def _candidates() -> list[Sandbox]:
    me = os.geteuid()
    unshare, setpriv = shutil.which("unshare"), shutil.which("setpriv")
    found: list[Sandbox] = []
    if me != 0 and _has_name(me):
        found.append(Sandbox("plain", (), me))
    if unshare:
        # initdb wants a user with a name, so a uid without one (containers) also goes through the namespace.
        mapped = (f"--map-user={NOBODY}", f"--map-group={NOBODY}")
        found.append(Sandbox("user namespace", (unshare, "--user", *mapped, "--"), me))
    if me == 0 and setpriv:
        for right in ("dac_read_search", "dac_override"):
            kept = [f"--{kind}=-all,+{right}" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
            nobody = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
            found.append(Sandbox(f"nobody with {right}", (setpriv, *nobody, *kept, "--"), NOBODY))
    return found


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _problem(candidate: Sandbox, home: Path) -> str | None:
    """Return why the candidate cannot run the server on `home`, or None when it can."""
    test = 'cd "$1" && [ "$(id -u)" != 0 ] && exec "$2" --version'
    try:
        done = subprocess.run(
            candidate.argv(["/bin/sh", "-c", test, "sh", home, pg_bin("postgres")]),
            capture_output=True,
            text=True,
            timeout=20,
            env=pg_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    if done.returncode == 0:
        return None
    return done.stderr.strip().replace("\n", " ")[-200:] or f"exit {done.returncode}"
