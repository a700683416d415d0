"""Ask systemd how a unit is, and have it restart or stop one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from bonanca.actuators.systemd.machine import FENCE_WAIT_S, Machine
from bonanca.actuators.systemd.spec import UnitSpec
from bonanca.durable.context import FenceToken

ASK_S = 20.0
_PROPERTIES = ("LoadState", "ActiveState", "SubState", "MainPID", "NRestarts", "InvocationID", "Result")
# The user's manager listens below the runtime directory, which a session without PAM is not told.
_OF_USER = 'export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"; exec "$@"'


class UnitFailed(Exception):
    """systemd could not do it, or the unit did not stay; the message carries what it says."""


@dataclass(frozen=True)
class UnitState:
    """A unit now. `invocation` is another one after each start, `restarts` are those that systemd did by itself."""

    unit: str
    loaded: bool
    active: str
    sub: str
    pid: int
    restarts: int
    invocation: str
    result: str

    @property
    def up(self) -> bool:
        """Whether it runs, or is about to."""
        return self.active in ("active", "activating", "reloading")


def state_of(machine: Machine, spec: UnitSpec, unit: str) -> UnitState:
    """How a unit is.

    Raises:
        UnitFailed: systemd does not answer.
    """
    argv = _systemctl(spec, "show", f"--property={','.join(_PROPERTIES)}", "--", unit)
    ended = machine.ask(argv, timeout_s=ASK_S)
    found = dict(line.split("=", 1) for line in ended.stdout.splitlines() if "=" in line)
    if not ended.ok or "ActiveState" not in found:
        raise UnitFailed(_("systemd does not say how %(unit)s is: %(said)s") % {"unit": unit, "said": ended.said})
    return UnitState(
        unit=unit,
        loaded=found["LoadState"] == "loaded",
        active=found["ActiveState"],
        sub=found["SubState"],
        pid=int(found.get("MainPID") or 0),
        restarts=int(found.get("NRestarts") or 0),
        invocation=found.get("InvocationID", ""),
        result=found.get("Result", ""),
    )


def order(
    machine: Machine,
    spec: UnitSpec,
    verb: str,
    unit: str,
    *,
    token: FenceToken,
    timeout_s: float,
    watch: Callable[[], None] | None = None,
    wait_s: float = FENCE_WAIT_S,
) -> None:
    """Restart or stop a unit and wait until systemd says that it is done.

    Raises:
        UnitFailed: it is not; the message carries the unit's last words.
    """
    if verb == "restart":
        # What was refused because it failed too often is started all the same: a plan has decided so.
        machine.act(_systemctl(spec, "reset-failed", "--", unit), token=token, timeout_s=ASK_S, wait_s=wait_s)
    argv = _systemctl(spec, verb, "--", unit)
    ended = machine.act(argv, token=token, timeout_s=timeout_s, watch=watch, wait_s=wait_s)
    if not ended.ok:
        raise UnitFailed(
            _("systemd could not %(verb)s %(unit)s: %(said)s")
            % {"verb": verb, "unit": unit, "said": last_words(machine, spec, unit) or ended.said}
        )


def last_words(machine: Machine, spec: UnitSpec, unit: str) -> str:
    """How systemd describes the unit, with the end of its log where there is a journal."""
    ended = machine.ask(_systemctl(spec, "status", "--no-pager", "--lines=15", "--", unit), timeout_s=ASK_S)
    return (ended.stdout or ended.stderr).strip()[-2000:]


def _systemctl(spec: UnitSpec, *words: str) -> tuple[str, ...]:
    argv: tuple[str, ...] = ("systemctl", "--no-ask-password", *(("--user",) if spec.user else ()), *words)
    if spec.user:
        return ("/bin/sh", "-c", _OF_USER, "sh", *argv)
    return ("sudo", "-n", "--", *argv) if spec.sudo else argv
