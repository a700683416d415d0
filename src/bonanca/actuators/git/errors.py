"""What can go wrong with a repository, each with what to do next."""

from __future__ import annotations

from bonanca.kernel.errors import Invalid, NotFound, Unavailable


class UnknownRepository(NotFound):
    """The path holds no git repository that this user may read."""


class UnknownRef(NotFound):
    """No branch, tag or commit of that name."""


class UnknownFile(NotFound):
    """The commit has no such file."""


class BadRef(Invalid):
    """The text cannot name a branch, tag or commit."""


class FileTooLarge(Invalid):
    """The file is larger than the reader asked for."""


class GitFailed(Unavailable):
    """Git could not do it: missing, out of space, or a damaged repository."""
