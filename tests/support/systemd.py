"""A real systemd as PID 1 of namespaces of its own, where nothing of the machine is writable.

It sees the machine's programs read-only, a /tmp, /var, /run and /dev of its own, and one folder of the test. Before it
starts, the script refuses to go on if anything else could be written: systemd's own boot would empty /tmp and set the
kernel's parameters. That boot is left out as well: what targets want is masked, but for the journal.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.poll import eventually
from tests.support.privileges import SYS_ADMIN, may_not

SYSTEMD = next((path for path in ("/lib/systemd/systemd", "/usr/lib/systemd/systemd") if Path(path).exists()), None)
# What is seen of the machine, read-only.
_SEEN = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", sys.base_prefix)

_BOOT = r"""
set -eu
new=$1; folder=$2; seen=$3; shift 3
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$new"
for place in $seen; do
  [ -e "$place" ] || continue
  mkdir -p "$new$(dirname "$place")"
  if [ -L "$place" ]; then [ -e "$new$place" ] || cp -P "$place" "$new$place"; continue; fi
  [ ! -e "$new$place" ] || continue
  mkdir -p "$new$place"
  mount --bind "$place" "$new$place"
  mount -o remount,bind,ro "$new$place"
done
for place in proc sys run tmp var dev old; do mkdir -p "$new/$place"; done
mount -t tmpfs tmpfs "$new/etc/systemd/system"
mount -t tmpfs tmpfs "$new/run"; mount -t tmpfs -o mode=1777 tmpfs "$new/tmp"; mount -t tmpfs tmpfs "$new/var"
mount -t tmpfs -o mode=755 tmpfs "$new/dev"
for node in null zero full random urandom tty; do
  : > "$new/dev/$node"; mount --bind "/dev/$node" "$new/dev/$node"
done
mkdir "$new/dev/shm"
mount -t proc proc "$new/proc"
for place in sys sysrq-trigger; do
  [ -e "$new/proc/$place" ] || continue
  mount --bind "$new/proc/$place" "$new/proc/$place"; mount -o remount,bind,ro "$new/proc/$place"
done
mount -t sysfs -o ro sysfs "$new/sys"
mount -t cgroup2 cgroup2 "$new/sys/fs/cgroup"
mkdir -p "$new$folder" "$new/run/sshd" "$new/run/systemd/system" "$new/run/user/0" "$new/var/log" "$new/var/tmp"
chmod 700 "$new/run/user/0"
mount --bind "$folder" "$new$folder"
for unit in /usr/lib/systemd/system/*.target.wants/* /lib/systemd/system/*.target.wants/*; do
  case "$unit" in */systemd-journald*) continue ;; esac
  ln -sf /dev/null "$new/etc/systemd/system/$(basename "$unit")"
done
for target in sysinit basic bonanca-test; do
  printf '[Unit]\nDescription=Nothing\nDefaultDependencies=no\n' > "$new/etc/systemd/system/$target.target"
done
cd "$new"
pivot_root . old
umount -l /old
rmdir /old
mount -o remount,ro /
writable=$(awk -v own="$folder" '$4 ~ /^rw/ && $3 !~ /^(tmpfs|proc|cgroup2)$/ && $2 != own && $2 !~ "^/dev/" \
  {print $2}' /proc/mounts)
[ -z "$writable" ] || { echo "writable in here: $writable" >&2; exit 9; }
for file in /proc/sys/kernel/pid_max /proc/sys/fs/protected_regular /proc/sysrq-trigger /etc/passwd /usr/bin; do
  [ ! -w "$file" ] || { echo "writable in here: $file" >&2; exit 9; }
done
[ "$(stat -f -c %T /tmp)" = tmpfs ] || exit 9
exec "$@"
"""


def why_not() -> str:
    """Why systemd cannot be tried here; empty when it can."""
    if reason := may_not(SYS_ADMIN):
        return f"no systemd can be given namespaces and a cgroup of its own: {reason}"
    if SYSTEMD is None or shutil.which("systemctl") is None:
        return "systemd is not installed: scripts/test-needs installs it"
    own = _cgroups()
    if own is None or not os.access(own, os.W_OK):
        return "no cgroup2 is mounted here that could be written"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--cgroup", "true"], check=False, capture_output=True
    )
    return "" if tried.returncode == 0 else f"no namespaces are to be had here: {tried.stderr.decode().strip()}"


@dataclass
class Systemd:
    """A running systemd; `folder` is what it shares with the test."""

    pid: int
    folder: Path

    @property
    def inside(self) -> tuple[str, ...]:
        """What goes before a command that is to run where this systemd is."""
        return ("nsenter", f"--target={self.pid}", "--mount", "--pid", "--ipc", "--uts", "--cgroup", "--")

    def run(self, *argv: str, check: bool = True) -> str:
        """Run a command inside; returns what it says."""
        done = subprocess.run([*self.inside, *argv], check=False, capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def unit(self, name: str, text: str) -> None:
        """Declare a unit, or declare it anew."""
        place = Path(f"/proc/{self.pid}/root/run/systemd/system/{name}")
        place.write_text(text)
        self.run("systemctl", "daemon-reload")

    def state(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", f"--property={name}", "--value", unit).strip()


@contextmanager
def running_systemd(folder: Path) -> Iterator[Systemd]:
    """A systemd that runs nothing but what the test declares."""
    assert SYSTEMD is not None
    manager = [SYSTEMD, "--system", "--unit=bonanca-test.target", "--show-status=0", "--log-target=console"]
    shared = folder / "shared"
    shared.mkdir()
    # Not the machine's clock, network, modules or log either.
    less = "--bounding-set=-sys_time,-sys_module,-sys_rawio,-net_admin,-syslog,-mknod,-audit_control"
    alone = ["env", "-i", "container=other", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "setpriv", less, *manager]
    with namespaces(folder, shared, alone) as pid:
        systemd = Systemd(pid, shared)
        eventually(lambda: "running" in systemd.run("systemctl", "is-system-running", check=False), timeout_s=60)
        yield systemd


@contextmanager
def namespaces(folder: Path, shared: Path, argv: list[str]) -> Iterator[int]:
    """Run a program as PID 1 of namespaces of its own; yields its pid out here. All of it ends with the block."""
    root = folder / "root"
    root.mkdir()
    own = _cgroups()
    assert own is not None
    group = own / f"bonanca-test-{os.getpid()}-{folder.name}"
    group.mkdir()
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--ipc", "--uts", "--cgroup"]
    seen = " ".join(_SEEN)
    boot = [*unshare, "sh", "-c", _BOOT, "sh", str(root), str(shared), seen, *argv]
    log = folder / "systemd.log"
    with log.open("w") as out:
        joined = ["sh", "-c", 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"', "sh", str(group), *boot]
        outer = subprocess.Popen(joined, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        eventually(lambda: outer.poll() is not None or bool(_child_of(outer.pid)))
        assert outer.poll() is None, log.read_text()
        yield _child_of(outer.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(outer.pid, signal.SIGKILL)
        outer.wait()
        eventually(lambda: _removed(group))


def _child_of(pid: int) -> int:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return int(text.split()[0]) if text.split() else 0


def _cgroups() -> Path | None:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        words = line.split()
        if words[2] == "cgroup2":
            return Path(words[1])
    return None


def _removed(group: Path) -> bool:
    """Remove the empty cgroups of what has ended."""
    for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
        with suppress(OSError):
            folder.rmdir()
    with suppress(FileNotFoundError, OSError):
        group.rmdir()
    return not group.exists()
