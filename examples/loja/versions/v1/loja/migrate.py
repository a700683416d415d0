"""Bring the database to this version: `python -m loja.migrate --config FILE`. Running it again changes nothing."""

import argparse
import time
from pathlib import Path

import psycopg

from loja.config import load

FOLDER = Path(__file__).parent.parent / "migrations"
LOCK = 0x6C6F6A61  # "loja": two migrations at once would be one too many


def connect(dsn: str, wait_s: float) -> psycopg.Connection[tuple[object, ...]]:
    """Connect, waiting for a database that is away for a moment."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return psycopg.connect(dsn, autocommit=True, application_name="loja.migrate")
        except psycopg.OperationalError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.1)


def migrate(dsn: str, wait_s: float) -> list[str]:
    """Apply what is missing, each file in a transaction of its own; returns their names."""
    applied = []
    with connect(dsn, wait_s) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz DEFAULT now())"
        )
        known = {row[0] for row in connection.execute("SELECT name FROM schema_migrations").fetchall()}
        for file in sorted(FOLDER.glob("[0-9]*.sql")):
            if file.name not in known:
                with connection.transaction():
                    connection.execute(file.read_text(encoding="utf-8").encode())
                    connection.execute("INSERT INTO schema_migrations (name) VALUES (%s)", (file.name,))
                applied.append(file.name)
    return applied


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="loja.migrate")
    parser.add_argument("--config", type=Path, required=True)
    config = load(parser.parse_args().config)
    names = migrate(config.dsn(), config.wait_s)
    print(f"applied {', '.join(names)}" if names else "nothing to apply")
