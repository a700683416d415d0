"""The ground that the storm needs: a shop with a repository, a database server and a declaration of its own."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pyrage
from psycopg import sql

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.ports import free_port
from bonanca.actuators.process.local import stop_everything
from bonanca.kernel.errors import Unavailable

SERVICE = "loja-api"
DECLARATION = """\
version: 1
teams:
  - slug: loja
    name: Time da Loja
    members:
      - {{email: ana@loja.example, name: Ana Souza, role: commander, locale: pt-br, time_zone: America/Sao_Paulo}}
      - {{email: beto@loja.example, name: Beto Lima, role: responder, locale: pt-br, time_zone: America/Sao_Paulo}}
    on_call: [ana@loja.example]
services:
  - slug: loja-api
    name: Loja
    team: loja
    critical: true
    environment: production
    description: Catalogue, cart, checkout and orders.
    gateway: {{name: default, routes: [{{path_prefix: /}}]}}
    repository: {{path: ./loja.git, branch: main}}
    root: ./var/loja
    run:
      command: ["{{python}}", "-m", "loja.serve", "--port", "{{port}}", "--config", "{{config}}"]
      replicas: [{{port: {first}}}, {{port: {second}}}]
      health: {{path: /health, timeout_s: 20}}
    config: {{file: ./var/loja/loja.toml, source: deploy/loja.toml}}
    migrate: ["{{python}}", "-m", "loja.migrate", "--config", "{{config}}"]
    replay: ["{{python}}", "-m", "loja.replay", "--config", "{{config}}"]
    database:
      dsn_file: ./var/loja/bonanca-dsn
      name: loja
      rows_at_risk:
        - {{table: orders, key: number, written_at: created_at}}
        - {{table: order_items, key: id, written_at: created_at}}
    verify:
      - {{name: health, http: /health, expect_status: 200}}
      - {{name: catalogue, http: /products, expect_status: 200, contains: '"price"'}}
    rollback:
      strategy: instant
      announce: [on_call, team]
      verify:
        - {{name: prices, sql: "select count(*) from products where price_cents <= 0", equals: 0}}
      watch: {{seconds: 15, tolerated_percent: 1}}
    backup:
      every_h: 24
      replicas: [./backups/a, ./backups/b]
      recipients: ["{recipient}"]
      identity_file: ./backup.key
      checks:
        - {{sql: "select count(*) from products", at_least: 20000}}
        - {{sql: "select count(*) from products where price_cents <= 0", equals: 0}}
    contingencies:
      - slug: pedidos-no-papel
        name: Anotar pedidos no papel
        kind: manual
        when: O checkout fica fora por mais de dez minutos
        who: Quem gerencia a loja no turno
        begin: [Pegar o bloco de pedidos no cofre, Avisar cada caixa]
        end: ["Digitar os pedidos, do mais antigo ao mais novo", Conferir a soma com o caixa]
        exercise_every_days: 90
        max_h: 4
    status_page: {{component: Compras}}
    slo:
      - slug: loja-availability
        name: Loja responde
        objective: 99.0
        window_s: 1800
        source: {{gateway: default, service: loja-api}}
        alerts:
          - {{severity: critical, burn_rate: 10, long_s: 20, short_s: 5}}
          - {{severity: high, burn_rate: 3, long_s: 120, short_s: 15}}
"""


class Ground:
    """Folders, ports and servers of the demo, all below one folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.shop = home / "loja"
        self.product = home / "bonanca"
        self.root = self.shop / "var" / "loja"
        self.declaration = self.shop / "bonanca.yaml"
        self.account = self.shop / "account.jsonl"
        self.cluster = Cluster(self.shop / "postgres")
        self.examples = Path(__file__).resolve().parents[4] / "examples" / "loja"

    def clear(self) -> None:
        """End what an earlier demo of this folder left running, and empty the folder."""
        self.end_shop()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.home)
        for folder in (self.shop, self.product, self.root):
            folder.mkdir(parents=True, mode=0o700)

    def build(self) -> None:
        """Make the shop: repository, database server, keys, declaration.

        Raises:
            Unavailable: the examples are not there (they are in the repository, not in a wheel).
        """
        if not (self.examples / "make_repository.py").is_file():
            raise Unavailable(f"{self.examples}: the shop is not there.", hint="Run the demo from a clone.")
        self._python(self.examples / "make_repository.py", str(self.shop / "loja.git"))
        self._database()
        identity = pyrage.x25519.Identity.generate()
        private(self.shop / "backup.key", f"{identity}\n")
        self.declaration.write_text(
            DECLARATION.format(first=free_port(), second=free_port(), recipient=identity.to_public())
        )

    def _database(self) -> None:
        self.cluster.init()
        self.cluster.start()
        self.cluster.wait_ready()
        password = secrets.token_urlsafe(24)
        with psycopg.connect(self.cluster.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE ROLE loja LOGIN PASSWORD {}").format(sql.Literal(password)))
            connection.execute("CREATE DATABASE loja OWNER loja")
        address = f"127.0.0.1:{self.cluster.port}/loja"
        # The shop signs in as the owner of its data; copying and renaming databases needs more than that.
        private(self.root / "dsn", f"postgresql://loja:{password}@{address}\n")
        private(self.root / "bonanca-dsn", self.cluster.dsn("loja") + "\n")

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Return the rows of a reading query on the shop's database."""
        with psycopg.connect(self.cluster.dsn("loja"), autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def reconcile(self) -> dict[str, Any]:
        """Compare the visitors' account with the shop's database, by the shop's own tool."""
        done = subprocess.run(
            [
                sys.executable,
                str(self.examples / "reconcile.py"),
                "--account",
                str(self.account),
                "--dsn-file",
                str(self.root / "bonanca-dsn"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if not done.stdout:
            raise Unavailable(f"reconcile.py failed: {done.stderr.strip()[-600:]}")
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def end_shop(self) -> None:
        """Stop the shop's own processes, which outlive the worker that started them."""
        stop_everything(self.root)

    def _python(self, script: Path, *arguments: str) -> None:
        done = subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"{script.name} failed: {done.stderr.strip()[-600:]}")

    def stop(self) -> None:
        """End the shop and its database server."""
        self.end_shop()
        self.cluster.stop()


def private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
