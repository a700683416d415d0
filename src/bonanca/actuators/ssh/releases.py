"""Releases of a service on another host: a commit's tree beside the others, and which of them is `current`.

The same folders as `actuators.git.releases` makes here: `<root>/releases/<12 digits>`, `<root>/current`.
"""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import IO

from django.utils.translation import gettext as _

from bonanca.actuators.git.releases import CURRENT, RELEASES, CurrentMoved, Switch
from bonanca.actuators.git.repository import SHORT, GitRepository
from bonanca.actuators.ssh.files import Ground, remembered
from bonanca.actuators.ssh.session import Session
from bonanca.durable.crashpoints import point

PIECE = 256 * 1024
_UNPACK_S = 600.0
# $1 releases, $2 name, $3 archive, $4 its SHA-256. A folder appears whole, by a rename, or not at all; what other
# attempts left goes.
_UNPACK = (
    'cd -- "$1" || exit 1; for left in ".$2."*tar ".$2."*tar.d; do [ "$left" = "$3" ] || rm -rf -- "$left"; done; '
    'if [ -d "$2" ]; then rm -f -- "$3"; exit 0; fi; '
    'set -- "$1" "$2" "$3" "$4" "$(sha256sum < "$3")"; '
    '[ "${5%% *}" = "$4" ] || { rm -f -- "$3"; echo "the archive arrived damaged" >&2; exit 1; }; '
    'rm -rf -- "$3.d" && mkdir -m 755 -- "$3.d" && tar -xf "$3" -C "$3.d" && sync -f -- "$3.d" && '
    'mv -T -- "$3.d" "$2" && sync -- . && rm -f -- "$3"'
)
# $1 root, $2 target below it. A symbolic link cannot be rewritten in place; renamed over another it is never absent.
_POINT = 'cd -- "$1" && ln -sfn -- "$2" ".current.new" && mv -fT -- ".current.new" current && sync -- .'
_UNPOINT = 'cd -- "$1" && rm -f -- current && sync -- .'


def current_release(session: Session, root: PurePosixPath) -> str | None:
    """The folder name under `releases/` that `current` points to, or None."""
    link = session.link(str(root / CURRENT))
    return None if link is None else PurePosixPath(link).name


def switched(session: Session, root: PurePosixPath, key: str) -> Switch | None:
    """The switch made under `key`, if `current` stands where it put it."""
    switch = _recorded(session, root, key)
    return switch if switch is not None and current_release(session, root) == switch.target else None


def send_release(ground: Ground, repository: Path, sha: str, *, watch: Callable[[], None]) -> str:
    """Have the tree of a commit on the host; returns the folder's name.

    Raises:
        UnknownRef, GitFailed: there is no such commit, or its tree cannot be read.
        HostRefused: it cannot be unpacked there; nothing is left of it.
    """
    name, releases = sha[:SHORT], ground.root / RELEASES
    if ground.session.is_folder(str(releases / name)):
        return name
    archive = f".{name}.{ground.mark}.tar"
    with tempfile.TemporaryFile() as packed:
        summed = _pack(repository, sha, packed)
        point("ssh.release.packed")
        ground.send(releases / archive, _pieces(packed), mode=0o600, watch=watch)
    point("ssh.release.sent")
    ground.act(_UNPACK, str(releases), name, archive, summed, timeout_s=_UNPACK_S)
    return name


def switch_to(ground: Ground, target: str | None, *, key: str, sha: str | None = None) -> Switch:
    """Point `current` at a release, remembering under `key` where it pointed before the first call.

    Raises:
        FileNotFoundError: there is no such release; nothing moved.
    """
    if target is not None and not ground.session.is_folder(str(ground.root / RELEASES / target)):
        raise FileNotFoundError(_("%(release)s: there is no such release.") % {"release": target})
    switch = _recorded(ground.session, ground.root, key)
    if switch is None:
        switch = Switch(key, current_release(ground.session, ground.root), target, sha)
        ground.remember("switches", key, asdict(switch))
    point("ssh.release.decided")
    if target is None:
        ground.act(_UNPOINT, str(ground.root))
    else:
        ground.act(_POINT, str(ground.root), str(PurePosixPath(RELEASES) / target))
    point("ssh.release.switched")
    return switch


def switch_back(ground: Ground, *, previous: str | None, target: str | None, key: str) -> Switch:
    """Take a switch back, unless `current` has moved on to a third release.

    Raises:
        CurrentMoved: going back would silently drop a release that came later.
        FileNotFoundError: the previous release is gone.
    """
    now = current_release(ground.session, ground.root)
    if now not in (previous, target):
        raise CurrentMoved(
            _("%(link)s points to %(now)s and not to %(target)s: it was moved after this step.")
            % {"link": f"{ground.session.spec.address}:{ground.root / CURRENT}", "now": now, "target": target}
        )
    return switch_to(ground, previous, key=key)


def _recorded(session: Session, root: PurePosixPath, key: str) -> Switch | None:
    facts = remembered(session, root, "switches", key)
    return None if facts is None else Switch(**facts)  # type: ignore[arg-type] # what `remember` wrote


def _pack(repository: Path, sha: str, out: IO[bytes]) -> str:
    """Write the tree as a tar; returns its SHA-256. Not `git archive`: that leaves out what attributes say."""
    with tempfile.TemporaryDirectory() as folder:
        tree = GitRepository(repository).checkout_release(sha, Path(folder))
        with tarfile.open(fileobj=out, mode="w") as tar:
            tar.add(tree, arcname=".", filter=_nobodys)
    summed = hashlib.sha256()
    for piece in _pieces(out):
        summed.update(piece)
    return summed.hexdigest()


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The files belong to whom the service runs as there, not to whoever packed them."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece
