"""Which image is a commit's: found once, by content, so that a plan means the same image whenever it is carried out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.actuators.docker.engine import REVISION, Docker, EngineRefused, Image, login_for
from bonanca.actuators.docker.record import FOLDER
from bonanca.actuators.docker.spec import DIGEST
from bonanca.actuators.files.atomic import write_atomic
from bonanca.actuators.files.held import read_ours
from bonanca.actuators.git.repository import SHORT
from bonanca.kernel.errors import NotFound

_COMMIT = re.compile(r"\{commit(\d*)\}")


class ImageNotFound(NotFound):
    """There is no image of this commit."""


def find_image(docker: Docker, template: str, commit: str, *, login: Path | None = None) -> str:
    """The image of a commit, named by its digest.

    With {commit} (or {commit7}, {commit12}: its first digits) in the template's tag, that tag is looked up on this
    host and then in its registry. Without a tag it is this host's image of that name whose label
    org.opencontainers.image.revision is the commit; of several, the newest. A digest stands for itself.

    Raises:
        ImageNotFound: nothing carries the commit.
        EngineAway, EngineRefused: the daemon or the registry could not be asked.
    """
    if DIGEST.fullmatch(template):
        return template
    name, tag = parts_of(template)
    if not tag:
        return _labelled(docker, name, commit)
    reference = f"{name}:{fill(tag, commit)}"
    here = docker.image(reference)
    if here is not None:
        return _by_digest(here, name)
    try:
        return f"{name}@{docker.digest_of(reference, login=login_for(reference, login))}"
    except EngineRefused as refused:
        raise ImageNotFound(
            _("There is no image %(image)s on this host, and no registry gives it: %(reason)s")
            % {"image": reference, "reason": refused.message},
            hint=_("Has the build of this commit finished?"),
        ) from refused


def parts_of(template: str) -> tuple[str, str]:
    """The repository and the tag of a name; the tag is empty when there is none (a port of a registry is not one)."""
    name, colon, tag = template.rpartition(":")
    return (template, "") if not colon or "/" in tag else (name, tag)


def fill(tag: str, commit: str) -> str:
    """The tag with the commit's digits put in."""
    return _COMMIT.sub(lambda match: commit[: int(match[1])] if match[1] else commit, tag)


def names_commit(tag: str) -> bool:
    """Whether a tag is made from the commit."""
    return _COMMIT.search(tag) is not None


@dataclass(frozen=True)
class Known:
    """The image that a commit runs as on this host, who decided it (an idempotency key), and what it was before."""

    image: str
    key: str = ""
    before: str | None = None


def remember(root: Path, commit: str, image: str | None, *, key: str) -> Known:
    """Note which image a commit is: going back means exactly that one, wherever its tag points by then.

    Called again under the same key it still tells what was known before the first call. None: nothing is known.
    """
    known = known_image(root, commit)
    if known is None or known.key != key:
        known = Known(image or "", key, known.image or None if known else None)
        write_atomic(_place(root, commit), json.dumps(asdict(known)).encode())
    return known


def known_image(root: Path, commit: str) -> Known | None:
    """What is known of a commit's image here. `commit` may be the whole id or a release's name (its first digits)."""
    found = read_ours(_place(root, commit))
    return None if found is None else Known(**json.loads(found))


def ensure(docker: Docker, reference: str, *, login: Path | None = None, pulse: Callable[[str], None]) -> Image:
    """The image on this host, fetched by its digest when it is not here yet.

    Raises:
        ImageNotFound: it is not here and no registry has it under that digest.
        EngineAway: the daemon does not answer.
    """
    found = docker.image(reference)
    if found is None and "@" in reference:
        try:
            docker.pull(reference, login=login_for(reference, login), pulse=pulse)
        except EngineRefused as refused:
            raise ImageNotFound(
                _("%(image)s is not on this host and cannot be fetched: %(reason)s")
                % {"image": reference, "reason": refused.message}
            ) from refused
        found = docker.image(reference)
    if found is None:
        raise ImageNotFound(
            _("The image %(image)s is not on this host any more.") % {"image": reference},
            hint=_("Build or load it again, or deploy another version."),
        )
    return found


def _labelled(docker: Docker, name: str, commit: str) -> str:
    marked = [
        image
        for image in docker.images(f"{REVISION}={commit}")
        if any(parts_of(tag)[0] == name for tag in image.tags)
        or any(digest.partition("@")[0] == name for digest in image.digests)
    ]
    if not marked:
        raise ImageNotFound(
            _("No image %(name)s on this host has the label %(label)s=%(commit)s.")
            % {"name": name, "label": REVISION, "commit": commit[:12]},
            hint=_("Has the build of this commit finished?"),
        )
    return _by_digest(max(marked, key=lambda image: image.created), name)


def _by_digest(image: Image, name: str) -> str:
    return next((digest for digest in image.digests if digest.partition("@")[0] == name), image.id)


def _place(root: Path, commit: str) -> Path:
    # Not beside the records: those are read by *.json.
    return root / FOLDER / "images" / f"{commit[:SHORT]}.json"
