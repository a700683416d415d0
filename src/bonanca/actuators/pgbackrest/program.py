"""Running pgBackRest. It reads its own configuration: where the repositories are and what their cipher is."""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _

from bonanca.actuators.pgbackrest.reading import Info, Verdict, parse_info, parse_verify
from bonanca.actuators.postgres.binaries import pg_environment
from bonanca.actuators.postgres.dump import running
from bonanca.kernel.errors import Unavailable

# The newest server that a release knows, from its release notes: beside it, it refuses to work.
_SERVERS = ((2, 57), 18), ((2, 54), 17), ((2, 48), 16), ((2, 42), 15), ((2, 36), 14)
# `verify` says nothing useful before (the option --output).
_OLDEST = (2, 42)
_TAIL_BYTES = 2000
_LOOK_EVERY_S = 1.0
# Its exit codes for a wrong checksum, a file that is none of its own, and one that is missing.
_DAMAGE = (26, 29, 55)
# "P01 DETAIL: backup file /var/…/base/5/1259 (96KB, 12.34%) checksum …"
_SHARE = re.compile(r"\(\S+, (\d+(?:\.\d+)?)%\)")
Beat = Callable[[float | None], None]


class PgBackRestMissing(Unavailable):
    """It is not installed on this machine, or too old."""


class PgBackRestFailed(Unavailable):
    """It ended with an error; the message carries what it said. `damaged`: that a repository is not what it was."""

    damaged = False


@dataclass(frozen=True)
class Stanza:
    """A stanza of a configuration; `config` None: where pgBackRest looks by itself."""

    name: str
    config: Path | None = None


def version_of() -> tuple[int, int]:
    """Version of the program of this machine.

    Raises:
        PgBackRestMissing: there is none, or one that is too old to be asked whether a repository is sound.
    """
    program = _program()
    said = subprocess.run([program, "version"], capture_output=True, text=True, timeout=20, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < _OLDEST:
        raise PgBackRestMissing(
            _("pgBackRest %(found)s of this machine is too old: 2.42 or later is needed.")
            % {"found": said.strip() or "?"},
            hint=_("Update the package pgbackrest."),
        )
    return version


def newest_server(version: tuple[int, int]) -> int | None:
    """The newest major version of PostgreSQL that it backs up; None: it is newer than what is known here."""
    if version > (2, 58):
        return None
    return next((major for since, major in _SERVERS if version >= since), 13)


def info_of(stanza: Stanza) -> Info:
    """What its repositories hold.

    Raises:
        PgBackRestMissing, PgBackRestFailed.
    """
    text = _run(stanza, "info", "--output=json")
    try:
        return parse_info(text, stanza.name)
    except ValueError as problem:
        raise no_stanza(stanza.name, str(problem)) from problem


def no_stanza(stanza: str, said: str) -> PgBackRestFailed:
    """No repository has it, with what to do."""
    return PgBackRestFailed(
        _("pgBackRest has no stanza %(stanza)s: %(said)s") % {"stanza": stanza, "said": said},
        hint=_("Create it: pgbackrest --stanza=%(stanza)s stanza-create") % {"stanza": stanza},
    )


def back_up(stanza: Stanza, repository: int, kind: str, *, beat: Beat) -> None:
    """Take a backup of a kind (full, diff, incr) into one repository.

    Args:
        beat: told the share that is done (None: unknown) at least every second or so; what it raises ends the backup.

    Raises:
        PgBackRestMissing, PgBackRestFailed.
    """
    _run(stanza, f"--repo={repository}", "backup", f"--type={kind}", "--log-level-console=detail", beat=beat)


def verify(stanza: Stanza, repository: int, *, beat: Beat = lambda share: None) -> Verdict:
    """Have every file of a repository read and compared; what it says counts, not how it ends.

    Raises:
        PgBackRestMissing, PgBackRestFailed: it could not even look.
    """
    words = ("--output=text", "--verbose", "--log-level-console=info")
    return parse_verify(_run(stanza, f"--repo={repository}", "verify", *words, beat=beat))


def restore(stanza: Stanza, repository: int, label: str, data: Path, *, beat: Beat = lambda share: None) -> None:
    """Unpack a backup into the empty folder `data`, on this machine; nothing is started, and nothing is said there
    about where its recovery ends. Tablespaces come to lie beside it.

    Raises:
        PgBackRestMissing, PgBackRestFailed.
    """
    _run(
        stanza,
        *(f"--repo={repository}", f"--set={label}", *_here(data), "restore", "--type=none"),
        *(f"--tablespace-map-all={data.parent / 'tablespaces'}", "--log-level-console=detail"),
        f"--process-max={max(1, min(4, os.cpu_count() or 1))}",
        beat=beat,
    )


def restore_command(stanza: Stanza, repository: int, data: Path) -> str:
    """What a server in `data` runs to get a segment (PostgreSQL's restore_command)."""
    words = [*_words(stanza), f"--repo={repository}", *_here(data), "archive-get"]
    # A % of ours would be PostgreSQL's.
    return " ".join(shlex.quote(word).replace("%", "%%") for word in words) + ' %f "%p"'


def _here(data: Path) -> tuple[str, ...]:
    # The stanza's server may be another machine: what is restored is restored here.
    return (f"--pg1-path={data}", "--reset-pg1-host")


def _words(stanza: Stanza) -> list[str]:
    config = [f"--config={stanza.config}"] if stanza.config else []
    return [_program(), *config, f"--stanza={stanza.name}", "--log-level-file=off"]


def _program() -> str:
    program = shutil.which("pgbackrest")
    if program is None:
        raise PgBackRestMissing(
            _("pgBackRest is not installed on this machine."),
            hint=_("Install the package pgbackrest, or declare another engine."),
        )
    return program


def _run(stanza: Stanza, *words: str, beat: Beat | None = None) -> str:
    version_of()
    argv = [*_words(stanza), *words]
    with (
        tempfile.TemporaryFile() as complained,
        running(argv, pg_environment(), stdout=subprocess.PIPE, stderr=complained) as child,
    ):
        assert child.stdout is not None
        said = _said(child.stdout, beat)
        if child.wait() != 0:
            complained.seek(0)
            raise _failed(words, child.returncode, said + complained.read().decode(errors="replace"))
    return said


def _said(stdout: IO[bytes], beat: Beat | None) -> str:
    """Everything it writes, without the lines of single files; meanwhile the beat."""
    kept, share, left = list[str](), None, b""
    while True:
        ready, _write, _error = select.select([stdout], [], [], _LOOK_EVERY_S)
        if ready:
            data = os.read(stdout.fileno(), 65_536)
            *lines, left = (left + data).split(b"\n")
            for line in (piece.decode(errors="replace") for piece in lines):
                found = _SHARE.search(line)
                share = float(found[1]) / 100 if found else share
                if " DETAIL: " not in line:
                    kept.append(line)
            if not data:
                return "\n".join([*kept, left.decode(errors="replace")])
        if beat is not None:
            beat(share)


def _failed(words: Sequence[str], code: int, said: str) -> PgBackRestFailed:
    command = next(word for word in words if not word.startswith("-"))
    errors = [line.partition("ERROR: ")[2] for line in said.splitlines() if "ERROR: " in line]
    told = "; ".join(errors) or said.strip()[-_TAIL_BYTES:] or "-"
    failed = PgBackRestFailed(
        _("pgBackRest %(command)s ended with code %(code)d: %(said)s")
        % {"command": command, "code": code, "said": told}
    )
    failed.damaged = code in _DAMAGE
    return failed
