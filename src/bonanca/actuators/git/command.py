"""The one place that starts git: a fixed environment, no prompts, no configuration but our own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.actuators.git.errors import GitFailed, UnknownRepository
from bonanca.durable.commands import CommandFailed, run

TIMEOUT_S = 60.0


def git(repo: Path, *arguments: str, env: Mapping[str, str] | None = None, options: tuple[str, ...] = ()) -> bytes:
    """Run `git` on a repository and return what it printed.

    The person's and the machine's git configuration are left out, so the result is the same for everybody; the
    repository may belong to another user because its owner declared it in the catalog and its code is run anyway.

    Raises:
        UnknownRepository: there is no repository at `repo`.
        CommandFailed: git ended with an error; its message is in the exception.
        GitFailed: git cannot be started.
    """
    if not repo.is_dir():
        raise UnknownRepository(
            _("%(path)s: there is no git repository here.") % {"path": repo},
            hint=_("Check `repository.path` in the catalog."),
        )
    place = repo.resolve()
    command = ["git", "-c", f"safe.directory={place}", "-c", f"safe.directory={place / '.git'}"]
    command += ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"]
    try:
        return run(
            [*command, "-C", str(place), *options, *arguments],
            timeout_s=TIMEOUT_S,
            env={**_environment(place), **(env or {})},
        ).stdout
    except CommandFailed as error:
        if error.returncode is None:  # not installed, or out of time
            raise GitFailed(str(error)) from error
        if "not a git repository" in error.stderr:
            raise UnknownRepository(
                _("%(path)s: this folder is not a git repository.") % {"path": repo},
                hint=_("Check `repository.path` in the catalog."),
            ) from error
        raise


def _environment(place: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **kept,
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        # Without a ceiling, a wrong path inside somebody's checkout would quietly read that checkout.
        "GIT_CEILING_DIRECTORIES": str(place.parent),
        "LC_ALL": "C.UTF-8",
    }
