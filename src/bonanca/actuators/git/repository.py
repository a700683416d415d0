"""Read a repository and turn commits into release folders. Nothing here writes into the repository."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.utils.translation import gettext as _

from bonanca.actuators.files.atomic import sync_folder
from bonanca.actuators.files.held import followed
from bonanca.actuators.git.changes import LOG_FORMAT, Commit, DiffStat, DiffText, parse_log, parse_numstat
from bonanca.actuators.git.command import git
from bonanca.actuators.git.errors import BadRef, FileTooLarge, GitFailed, UnknownFile, UnknownRef
from bonanca.durable.commands import OUTPUT_LIMIT, CommandFailed

SHORT = 12
_SHA = re.compile(r"[0-9a-f]{40}")
# What git refuses in a reference name (git-check-ref-format), and the operators of its revision language: a reference
# from outside names one commit and computes nothing.
_NOT_IN_A_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.$|/$|^[-/]")
# Colours, external viewers and filters of the reader have no place in a machine's reading.
_PLAIN = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")


@dataclass(frozen=True)
class GitRepository:
    """A repository on this host, bare or not."""

    path: Path

    def resolve(self, ref: str) -> str:
        """The full commit id (40 hex digits) that a branch, tag or abbreviated id names.

        Raises:
            BadRef: the text cannot be a reference (so it can be no option either).
            UnknownRef: no such branch, tag or commit.
            UnknownRepository: there is no repository.
        """
        check_ref(ref)
        try:
            found = git(self.path, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        except CommandFailed as error:
            raise UnknownRef(
                _("%(path)s has no branch, tag or commit “%(ref)s”.") % {"path": self.path, "ref": ref}, field="ref"
            ) from error
        sha = found.decode().strip().splitlines()[-1]
        if not _SHA.fullmatch(sha):
            raise GitFailed(_("git named no commit for “%(ref)s”: %(answer)s") % {"ref": ref, "answer": sha})
        return sha

    def log_between(self, old: str, new: str, *, limit: int = 200) -> tuple[Commit, ...]:
        """The commits reachable from `new` and not from `old`, newest first, at most `limit`."""
        span = f"{self.resolve(old)}..{self.resolve(new)}"
        return parse_log(self._read("log", "-z", f"--format={LOG_FORMAT}", f"--max-count={limit}", span, "--"))

    def diff_stat(self, old: str, new: str) -> DiffStat:
        """The files whose content differs between the two commits' trees."""
        return parse_numstat(self._read("diff", "--numstat", "-z", *_PLAIN, self.resolve(old), self.resolve(new), "--"))

    def diff_text(self, old: str, new: str, *, path: str | None = None, max_bytes: int = 200_000) -> DiffText:
        """The unified diff from `old` to `new`; undecodable bytes are replaced."""
        only = [] if path is None else [f":(literal,top){check_path(path)}"]
        output = self._read("diff", *_PLAIN, self.resolve(old), self.resolve(new), "--", *only)
        return DiffText(output[:max_bytes].decode("utf-8", "replace"), truncated=len(output) > max_bytes)

    def show_file(self, sha: str, path: str, *, max_bytes: int = 1_000_000) -> bytes:
        """The bytes of one file at a commit.

        Raises:
            UnknownFile: the commit has no file there.
            FileTooLarge: it has more than `max_bytes`.
        """
        name = f"{self.resolve(sha)}:{check_path(path)}"
        try:
            if git(self.path, "cat-file", "-t", name).strip() != b"blob":
                raise UnknownFile(_("“%(path)s” is not a file at %(ref)s.") % {"path": path, "ref": sha}, field="path")
            size = int(git(self.path, "cat-file", "-s", name))
        except CommandFailed as error:
            raise UnknownFile(
                _("There is no “%(path)s” at %(ref)s.") % {"path": path, "ref": sha}, field="path"
            ) from error
        if size > min(max_bytes, OUTPUT_LIMIT):
            raise FileTooLarge(
                _("“%(path)s” has %(size)d bytes, more than the %(limit)d asked for.")
                % {"path": path, "size": size, "limit": min(max_bytes, OUTPUT_LIMIT)},
                field="path",
            )
        return self._read("cat-file", "blob", name)

    def checkout_release(self, sha: str, releases_dir: Path) -> Path:
        """The folder with the tree of a commit. One that is there is whole, because a folder appears by a rename.

        Raises:
            UnknownRef: no such commit. GitFailed: the tree could not be written; nothing is left behind.
            LedElsewhere: where we are root, somebody else's link leads away from the folder.
        """
        full, releases_dir = self.resolve(sha), followed(releases_dir)
        release = releases_dir / full[:SHORT]
        if release.is_dir():
            return release
        releases_dir.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f"{full[:SHORT]}.", suffix=".partial", dir=releases_dir))
        try:
            tree, index = work / "tree", {"GIT_INDEX_FILE": str(work / "index")}
            tree.mkdir()
            # An index of its own and an empty work tree: the owner's index and checkout are not touched.
            git(self.path, "read-tree", full, env=index)
            there = ("--work-tree", str(tree))
            git(self.path, "checkout-index", "--all", f"--prefix={tree}/", env=index, options=there)
            _publish(tree, release)
        except (CommandFailed, OSError) as error:
            raise GitFailed(
                _("The release %(sha)s could not be written: %(reason)s") % {"sha": full, "reason": error}
            ) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return release

    def _read(self, *arguments: str) -> bytes:
        try:
            return git(self.path, *arguments)
        except CommandFailed as error:
            raise GitFailed(_("%(path)s: %(reason)s") % {"path": self.path, "reason": error}) from error


def check_ref(ref: str) -> str:
    """The reference, if it can name one branch, tag or commit.

    Raises:
        BadRef: it is empty, starts like an option, or uses git's revision language.
    """
    if not ref or len(ref) > 200 or _NOT_IN_A_REF.search(ref):
        raise BadRef(
            _("“%(ref)s” cannot be a version: give a branch, a tag or a commit id.") % {"ref": ref[:80]}, field="ref"
        )
    return ref


def check_path(path: str) -> str:
    """A path inside a repository, if it stays inside.

    Raises:
        UnknownFile: it is absolute, empty or leaves the repository.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path or "\n" in path:
        raise UnknownFile(_("“%(path)s” is not a path inside a repository.") % {"path": path[:200]}, field="path")
    return "/".join(parts)


def _publish(tree: Path, release: Path) -> None:
    """Give the finished folder its name; a worker that was faster has made the same one."""
    tree.chmod(0o755)
    try:
        tree.rename(release)
    except OSError:
        if not release.is_dir():
            raise
    sync_folder(release.parent)
