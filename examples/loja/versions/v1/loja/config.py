"""The shop's configuration file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """What `loja.toml` says; times in seconds."""

    dsn_file: Path
    connections: int
    wait_s: float
    drain_s: float
    page_size: int
    title: str
    currency: str

    def dsn(self) -> str:
        """The address of the database, read each time: it may move while we run."""
        return self.dsn_file.read_text(encoding="utf-8").strip()


def load(path: Path) -> Config:
    """Read the file; a key that is missing ends the program with its name."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        return Config(
            dsn_file=(path.parent / data["database"]["dsn_file"]).absolute(),
            connections=int(data["database"]["connections"]),
            wait_s=float(data["database"]["wait_s"]),
            drain_s=float(data["server"]["drain_s"]),
            page_size=int(data["shop"]["page_size"]),
            title=str(data["shop"]["title"]),
            currency=str(data["shop"]["currency"]),
        )
    except KeyError as missing:
        raise SystemExit(f"{path}: {missing} is missing") from None
