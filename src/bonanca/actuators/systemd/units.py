"""Ask systemd how a unit is, and have it restart or stop one.

A unit that a plan has stopped has a mark below the root, until a plan starts it again: a file with the key of the step.
Setting it and stopping, and looking for it and restarting, are one command each, so that either is under one fence.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from bonanca.actuators.ssh.session import Ended
from bonanca.actuators.systemd.machine import Machine
from bonanca.actuators.systemd.spec import UnitSpec
from bonanca.durable.context import FenceToken

ASK_S = 20.0
_PROPERTIES = ("LoadState", "ActiveState", "SubState", "MainPID", "NRestarts", "InvocationID", "Result")
# The user's manager listens below the runtime directory, which a session without PAM is not told.
_OF_USER = 'export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"; exec "$@"'

# Constant texts; $1 is the mark and $2 the unit, and what is left in the end is systemctl.
_STOP = (
    'mark=$1; unit=$2; said=$3; shift 3; mkdir -p -- "${mark%/*}" && printf %s "$said" > "$mark.new" && '
    'sync -- "$mark.new" && mv -fT -- "$mark.new" "$mark" && sync -- "${mark%/*}" || exit 1; '
    '"$@" stop -- "$unit" || exit; '
    # Many end with a code of their own when they are stopped: nobody is to take that for a failure. A unit that systemd
    # has forgotten by then has nothing to be reset.
    '"$@" reset-failed -- "$unit" 2>/dev/null; exit 0'
)
_RESTART = (
    'mark=$1; unit=$2; shift 2; if [ -e "$mark" ]; then rm -f -- "$mark" && sync -- "${mark%/*}" || exit 1; fi; '
    # What was refused because it failed too often is started all the same: a plan has decided so.
    '"$@" reset-failed -- "$unit" 2>/dev/null; exec "$@" restart -- "$unit"'
)
_MEND = (
    'mark=$1; unit=$2; was=$3; shift 3; [ ! -e "$mark" ] || exit 70; '
    'state=$("$@" show --property=ActiveState --value -- "$unit") || exit; '
    'invocation=$("$@" show --property=InvocationID --value -- "$unit") || exit; '
    '[ "$state $invocation" = "$was" ] || exit 70; '
    '"$@" reset-failed -- "$unit" 2>/dev/null; exec "$@" restart -- "$unit"'
)
_LEFT_ALONE = 70


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


@dataclass(frozen=True)
class Mark:
    """A unit that is meant to be stopped, and the key of the step that stopped it."""

    unit: str
    key: str


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
    key: str = "",
    token: FenceToken,
    timeout_s: float,
    watch: Callable[[], None] | None = None,
) -> None:
    """Restart a unit, or stop it for the step of `key`, and wait until systemd says that it is done.

    Raises:
        UnitFailed: it is not; the message carries the unit's last words.
    """
    words = [machine.place(_mark(unit)), unit]
    if verb == "stop":
        words.append(json.dumps({"unit": unit, "key": key}))
    argv = ("/bin/sh", "-c", _STOP if verb == "stop" else _RESTART, "sh", *words, *_systemctl(spec))
    ended = machine.act(argv, token=token, timeout_s=timeout_s, watch=watch)
    if not ended.ok:
        raise _failed(machine, spec, verb, unit, ended)


def mend(machine: Machine, spec: UnitSpec, judged: UnitState, *, token: FenceToken, timeout_s: float) -> bool:
    """Restart a unit that nobody asked to be, if by now no plan works or has worked on it; whether it was.

    Under the fence it has to be in the same state of the same start as when it was judged, and not be marked.

    Raises:
        UnitFailed: it could not be restarted. ResourceBusy, HostUnreachable: a plan's step works on it.
    """
    words = (machine.place(_mark(judged.unit)), judged.unit, f"{judged.active} {judged.invocation}")
    argv = ("/bin/sh", "-c", _MEND, "sh", *words, *_systemctl(spec))
    ended = machine.act(argv, token=token, timeout_s=timeout_s, wait_s=0.0)
    if not ended.ok and ended.code != _LEFT_ALONE:
        raise _failed(machine, spec, "restart", judged.unit, ended)
    return ended.ok


def mark_of(machine: Machine, unit: str) -> Mark | None:
    """The mark of a unit that a plan has stopped and none has started since."""
    found = machine.remembered(_mark(unit))
    return None if found is None else Mark(unit, str(found["key"]))


def unmark(machine: Machine, unit: str, *, token: FenceToken) -> None:
    """Have a unit that a plan wants to run, and that runs already, watched again."""
    machine.act(("rm", "-f", "--", machine.place(_mark(unit))), token=token, timeout_s=ASK_S)


def _mark(unit: str) -> str:
    return f"stopped:{unit}"


def _failed(machine: Machine, spec: UnitSpec, verb: str, unit: str, ended: Ended) -> UnitFailed:
    return UnitFailed(
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
