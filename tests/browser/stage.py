"""A real product with a real shop behind it, up to the moment in which somebody is woken: the browser tests' stage."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bonanca.cli.demo.ground import SERVICE, Ground
from bonanca.cli.demo.mailbox import Mailbox
from bonanca.cli.demo.person import Person, wait_for
from bonanca.cli.demo.product import Product
from bonanca.cli.demo.shoppers import Shoppers

OVER = ("succeeded", "failed", "cancelled")


class Stage:
    """Everything that a storm needs, below one folder; closing it ends every process."""

    def __init__(self, home: Path) -> None:
        self._stack = ExitStack()
        self.ground = Ground(home)
        self._stack.callback(self.ground.stop)
        self.ground.clear()
        self.mailbox = Mailbox()
        self.mailbox.start()
        self._stack.callback(self.mailbox.stop)
        self.ground.build()
        self.product = Product(self.ground.product, smtp_port=self.mailbox.port)
        self._stack.callback(self.product.stop)
        self.shoppers = Shoppers(self.ground.examples / "load.py", self.ground.shop, self.ground.account)
        self._stack.callback(self.shoppers.stop)
        self.change: dict[str, Any] = {}

    def close(self) -> None:
        """End what was started, the last first."""
        self._stack.close()

    def begin(self) -> None:
        """Start the product and deploy version 1; visitors come."""
        self.product.start()
        self.product.command("apply", str(self.ground.declaration))
        told = self.product.command("token", "create", "--name", "stage", "--user", "ana@loja.example", "--json")
        secret = json.loads(told)
        self.ana = Person(self.product.url, secret.get("token") or secret["secret"])
        self._stack.callback(self.ana.close)
        self.deploy("v1", "Loja v1")
        self.shoppers.start(self.product.gateway_entry(), rate=20)

    def deploy(self, version: str, title: str) -> None:
        """Bring a version out and wait until it is; a closed gate is gone through with a reason."""
        self.change = self.ana.post("changes", service=SERVICE, version=version, title=title)
        path = f"changes/{self.change['number']}/deploy"
        plan = self.ana.post(path, override_reason="" if self.change["gates_passed"] else "stage of a test")
        run = wait_for(title, lambda: self._ended(plan["run_id"]), timeout_s=90)
        assert run["state"] == "succeeded", f"{title}: {run['error']}\n{self.product.tail()}"

    def break_it(self) -> dict[str, Any]:
        """Deploy the version that fails, and wait for the incident that opens by itself."""
        wait_for("visitors", lambda: self.shoppers.live().get("orders_confirmed"), timeout_s=30)
        self.deploy("v2", "Semana do Cliente: pontos e 15 %")
        found: dict[str, Any] = wait_for("an incident", self._burning, timeout_s=60)
        return found

    def login_link(self, email: str = "ana@loja.example") -> str:
        """Return an address that signs a person in once."""
        return self.product.command("login-link", email, "--minutes", "60").strip()

    def _ended(self, run_id: str) -> dict[str, Any] | None:
        run: dict[str, Any] = self.ana.get(f"plans/{run_id}")
        return run if run["state"] in OVER else None

    def _burning(self) -> dict[str, Any] | None:
        found: list[dict[str, Any]] = self.ana.get("incidents", open="true")
        return found[0] if found else None
