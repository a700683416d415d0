"""Which release is `current`: a symlink that is replaced in one step, with the intent on disk before it moves."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.actuators.files.atomic import sync_folder, write_atomic
from bonanca.actuators.files.held import read_ours
from bonanca.actuators.files.store import digest

RELEASES = "releases"
CURRENT = "current"


class CurrentMoved(Exception):
    """`current` points at neither end of the switch: somebody else has moved it since."""


@dataclass(frozen=True)
class Switch:
    """One move of `current`. Ends are folder names under `releases/`, None: no current release. `sha`: of `target`."""

    key: str
    previous: str | None
    target: str | None
    sha: str | None = None


def current_release(root: Path) -> str | None:
    """The folder name under `releases/` that `current` points to, or None."""
    try:
        return (root / CURRENT).readlink().name
    except FileNotFoundError:
        return None


def switched(root: Path, key: str) -> Switch | None:
    """The switch made under `key`, if `current` stands where it put it."""
    switch = recorded(root, key)
    return switch if switch is not None and current_release(root) == switch.target else None


def recorded(root: Path, key: str) -> Switch | None:
    """The switch that was decided under `key`, done or not."""
    found = read_ours(_place(root, key))
    return None if found is None else Switch(**json.loads(found))


def switch_to(root: Path, target: str | None, *, key: str, sha: str | None = None) -> Switch:
    """Point `current` at a release, remembering under `key` where it pointed before the first call.

    Raises:
        FileNotFoundError: there is no such release; nothing moved.
    """
    if target is not None and not (root / RELEASES / target).is_dir():
        raise FileNotFoundError(_("%(release)s: there is no such release.") % {"release": root / RELEASES / target})
    switch = recorded(root, key)
    if switch is None:
        switch = Switch(key, current_release(root), target, sha)
        write_atomic(_place(root, key), json.dumps(asdict(switch)).encode())
    _point(root, target)
    return switch


def switch_back(root: Path, *, previous: str | None, target: str | None, key: str) -> Switch:
    """Take a switch back, unless `current` has moved on to a third release.

    Raises:
        CurrentMoved: going back would silently drop a release that came later.
        FileNotFoundError: the previous release is gone.
    """
    now = current_release(root)
    if now not in (previous, target):
        raise CurrentMoved(
            _("%(link)s points to %(now)s and not to %(target)s: it was moved after this step.")
            % {"link": root / CURRENT, "now": now, "target": target}
        )
    return switch_to(root, previous, key=key)


def _point(root: Path, target: str | None) -> None:
    link = root / CURRENT
    if target is None:
        link.unlink(missing_ok=True)
    else:
        # A symlink cannot be rewritten in place; one renamed over another is never absent.
        fresh = root / f".{CURRENT}.{secrets.token_hex(6)}"
        fresh.symlink_to(Path(RELEASES) / target)
        fresh.replace(link)
    sync_folder(root)


def _place(root: Path, key: str) -> Path:
    return root / "run" / "switches" / f"{digest(key.encode())}.json"
