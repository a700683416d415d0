"""Build the shop's git repository: `make_repository.py DEST` makes the bare repository DEST with the tags v1 and v2.

The commits are the same on every machine (fixed author, dates and modes), whoever runs this.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

VERSIONS = Path(__file__).parent / "versions"
HISTORY = (
    ("v1", "A shop: catalogue, cart, checkout", "Ana Souza", "ana@loja.example", "2026-01-12T10:00:00-03:00"),
    ("v2", "Customer week: points and 15 % off", "Beto Lima", "beto@loja.example", "2026-02-09T17:40:00-03:00"),
)
BRANCH = "main"


def make_repository(destination: Path) -> dict[str, str]:
    """Make the bare repository and return the commit of each tag.

    Raises:
        FileExistsError: there is something at `destination`.
        RuntimeError: git failed; its message is in the exception.
    """
    destination = destination.absolute()
    if destination.exists():
        raise FileExistsError(f"{destination}: something is there already")
    destination.parent.mkdir(parents=True, exist_ok=True)
    commits = {}
    # Beside the destination and renamed at the end: one that was cut off is never taken for a repository.
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as folder:
        bare, tree = Path(folder) / "bare", Path(folder) / "tree"
        _git(None, "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", str(bare))
        for tag, message, name, email, when in HISTORY:
            shutil.copytree(VERSIONS / tag, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            # Git skips files whose size and time look unchanged, and copies of the same second do: it must look anew.
            (bare / "index").unlink(missing_ok=True)
            for path in tree.rglob("*"):
                path.chmod(0o755 if path.is_dir() else 0o644)
            who = {
                f"GIT_{role}_{part}": value
                for role in ("AUTHOR", "COMMITTER")
                for part, value in (("NAME", name), ("EMAIL", email), ("DATE", when))
            }
            work = ("--work-tree", str(tree))
            _git(bare, *work, "add", "--all", "--force", ".", cwd=tree)
            _git(bare, *work, "commit", "--quiet", "--message", message, cwd=tree, env=who)
            _git(bare, "tag", tag)
            commits[tag] = _git(bare, "rev-parse", "--verify", f"{tag}^{{commit}}")
        (bare / "index").unlink()  # a bare repository has none
        bare.rename(destination)
    return commits


def _git(bare: Path | None, *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    # Nobody's configuration: no templates, hooks, signing, line ends or owners of the machine may change the commits.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TEMPLATE_DIR": "", "LC_ALL": "C.UTF-8"}
    command = ["git", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false"]
    if bare is not None:
        command += ["--git-dir", str(bare)]
    done = subprocess.run(
        [*command, *arguments],
        cwd=cwd,
        env={**clean, **own, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("destination", type=Path, metavar="DEST")
    for known, sha in make_repository(parser.parse_args().destination).items():
        print(known, sha)
