"""The storm, act by act. Every figure is measured; every act goes through the product's own doors."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import UTC, datetime
from typing import Any

import httpx

from bonanca.cli.demo.ground import SERVICE, Ground
from bonanca.cli.demo.mailbox import Mailbox, Received
from bonanca.cli.demo.outcome import CheckFailed, Outcome
from bonanca.cli.demo.person import Person, wait_for
from bonanca.cli.demo.product import Product
from bonanca.cli.demo.shoppers import Shoppers
from bonanca.cli.demo.show import Show

PRICES = "SELECT count(*), sum(price_cents) FROM products"
SLO = "loja-availability"
CALM_S = 15.0


class Storm:
    """What the acts share."""

    def __init__(self, ground: Ground, product: Product, mailbox: Mailbox, shoppers: Shoppers, show: Show) -> None:
        self.ground, self.product, self.mailbox, self.shoppers, self.show = ground, product, mailbox, shoppers, show
        self.outcome = Outcome()
        self.ana: Person | None = None
        self.beto: Person | None = None
        self.entry = ""
        self.incident: dict[str, Any] = {}
        self.change: dict[str, Any] = {}
        self.plan: dict[str, Any] = {}
        self.prices_before: list[tuple[object, ...]] = []

    @property
    def person(self) -> Person:
        if self.ana is None:
            raise CheckFailed("nobody has signed in yet")
        return self.ana

    def check(self, name: str, held: bool, *, needed: bool = False) -> bool:
        """Record a check; one that the rest builds on ends the storm when it does not hold."""
        self.outcome.checks[name] = bool(held)
        self.show.verdict(name.replace("_", " "), bool(held))
        if needed and not held:
            raise CheckFailed(name)
        return bool(held)

    def since_start(self, moment: str | datetime | None) -> float | None:
        """Return the seconds from the first failed request to a moment."""
        if moment is None:
            return None
        at = moment if isinstance(moment, datetime) else parse(moment)
        return round((at - parse(self.incident["started_at"])).total_seconds(), 2)

    def run_of(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Return the durable run behind a plan, with its steps."""
        run: dict[str, Any] = self.person.get(f"plans/{plan['run_id']}")
        return run

    # 1 ------------------------------------------------------------------------------------------

    def calm(self, rate: float) -> None:
        """Version 1 is deployed and healthy; a backup is taken, encrypted, replicated, restored and checked."""
        self.show.act(1, "The calm: a shop in production, a backup that is known to work")
        self.product.command("apply", str(self.ground.declaration))
        self.ana, self.beto = self.signed_in("ana@loja.example"), self.signed_in("beto@loja.example")
        change = self.person.post("changes", service=SERVICE, version="v1", title="Loja v1")
        self.deploy(change, "v1_deployed")
        self.entry = self.product.gateway_entry()
        self.shoppers.start(self.entry, rate=rate)
        self.show.fact(f"visitors buy at {self.entry}, {rate:.0f} requests a second")
        backup = json.loads(self.product.command("backup", "take", SERVICE, "--json"))
        self.check("backup_encrypted_in_two_replicas", len(backup["replicas"]) == 2, needed=True)
        self.product.command("backup", "verify", SERVICE, "--json")
        shown = json.loads(self.product.command("backup", "show", SERVICE, "--json"))
        self.check("backup_restored_and_checked", bool(shown["verified_at"]), needed=True)
        self.show.fact(f"restored into a scratch server in {shown['restore_seconds']:.1f} s, every check held")
        self.prices_before = self.ground.query(PRICES)
        self.show.doing("measuring the calm")
        wait_for("a measured budget", lambda: self.budget()["total"] > rate * CALM_S or None, timeout_s=CALM_S + 30)
        self.check("objective_green", self.budget()["status"] == "normal")

    def signed_in(self, email: str) -> Person:
        """Return somebody with a token of their own."""
        told = self.product.command("token", "create", "--name", f"demo {email}", "--user", email, "--json")
        return Person(self.product.url, str(json.loads(told)["secret"]))

    def budget(self) -> dict[str, Any]:
        """Return the objective's budget as it stands."""
        found: dict[str, Any] = next(b for b in self.person.get("slos") if b["slo"] == SLO)
        return found

    def deploy(self, change: dict[str, Any], name: str) -> None:
        """Deploy a change and wait for its plan."""
        plan = self.person.post(f"changes/{change['number']}/deploy")
        run = self.finished(plan, timeout_s=90)
        self.check(name, run["state"] == "succeeded", needed=True)

    def finished(self, plan: dict[str, Any], *, timeout_s: float) -> dict[str, Any]:
        """Wait until a plan's run has ended; say its steps as they are done."""
        told: set[str] = set()

        def look() -> dict[str, Any] | None:
            run = self.run_of(plan)
            self.tell_steps(run, told)
            return run if run["state"] in ("succeeded", "failed", "cancelled") else None

        run = wait_for(plan["title"], look, timeout_s=timeout_s)
        if run["state"] != "succeeded":
            self.show.fact(f"{run['state']}: {run['error']}")
        return run

    def tell_steps(self, run: dict[str, Any], told: set[str]) -> None:
        """Say every step that was done since the last look."""
        for step in run["steps"]:
            if step["state"] == "done" and step["key"] not in told:
                told.add(step["key"])
                took = (parse(step["finished_at"]) - parse(step["started_at"])).total_seconds()
                self.show.fact(f"[dim]{step['title'] or step['key']}[/dim] {took:.2f} s")

    # 2 ------------------------------------------------------------------------------------------

    def change_goes_out(self) -> None:
        """A change passes its gates, the state before it is pinned, and it is deployed."""
        self.show.act(2, "A change: gates, pin, deployment")
        self.change = self.person.post(
            "changes", service=SERVICE, version="v2", title="Semana do Cliente: pontos e 15 %"
        )
        for gate in self.change["gates"]:
            self.show.fact(("✓ " if gate["passed"] else "✗ ") + gate["words"])
        self.check("gates_passed", self.change["gates_passed"], needed=True)
        self.deploy(self.change, "v2_deployed")
        self.check("migration_damaged_the_data", self.ground.query(PRICES) != self.prices_before)

    # 3 ------------------------------------------------------------------------------------------

    def detected(self) -> None:
        """The burn is detected, an incident opens, somebody is paged, the change is suspected."""
        self.show.act(3, "The storm: detected, paged, explained")
        self.show.doing("waiting for the burn rate to be noticed")
        opened = wait_for("an incident", lambda: (self.person.get("incidents", open="true") or [None])[0], timeout_s=90)
        self.incident = opened
        self.outcome.detect_s = self.since_start(opened["detected_at"])
        self.show.fact(f"{opened['label']} {opened['severity']}: {opened['title']}")
        self.check("incident_opened_by_itself", opened["source"] == "alert")
        number = opened["number"]
        page: Received = wait_for("the page", lambda: self.mailbox.about(f"INC-{number} "), timeout_s=20)
        self.outcome.page_s = self.since_start(page.at)
        self.show.fact(f"page to {', '.join(page.to)}: {page.message['Subject']}")
        self.check("somebody_was_paged", page.to == ("ana@loja.example",))
        suspects = wait_for("suspects", lambda: self.person.get(f"incidents/{number}/suspects"), timeout_s=20)
        self.check("the_right_change_is_suspected", suspects[0]["change_id"] == self.change["id"])
        self.show.fact(f"suspect: {suspects[0]['title']}, because {'; '.join(suspects[0]['reason_texts'])}")
        self.check("status_page_shows_it", self.status() != "none")
        self.person.post(f"incidents/{number}/acknowledge")

    def status(self) -> str:
        """Return the public status page's indicator."""
        answer = httpx.get(f"{self.product.url}/status/api/v2/summary.json", timeout=10)
        return str(answer.json()["status"]["indicator"]) if answer.status_code == 200 else f"HTTP {answer.status_code}"

    # 4 ------------------------------------------------------------------------------------------

    def contained(self) -> None:
        """The failing endpoint is taken out at the gateway; the rest keeps working."""
        self.show.act(4, "Containment at the gateway")
        self.person.post(
            f"incidents/{self.incident['number']}/containments",
            action="disable",
            match="/checkout",
            expires_in_s=600,
            reason="Checkouts falham desde a v2",
        )
        answer = wait_for("the polite page", self.polite, timeout_s=10, every_s=0.05)
        self.outcome.contain_s = self.since_start(datetime.now(UTC))
        self.check("checkout_answers_politely", answer.status_code == 503 and "retry-after" in answer.headers)
        self.check("the_rest_keeps_working", httpx.get(f"{self.entry}/products", timeout=10).status_code == 200)

    def polite(self) -> httpx.Response | None:
        """Ask for /checkout once; the answer if it is the gateway's page."""
        answer = httpx.post(f"{self.entry}/checkout", json={}, timeout=10)
        return answer if answer.status_code == 503 and "retry-after" in answer.headers else None

    # 5 ------------------------------------------------------------------------------------------

    def previewed(self) -> None:
        """What goes back where, how long it should take, which rows would be set aside; a person approves."""
        self.show.act(5, "Rollback: preview and approval")
        assert self.beto is not None  # he signed in with Ana
        plan = self.beto.post(
            f"changes/{self.change['number']}/rollback",
            incident=self.incident["number"],
            reason="Checkouts falham desde a v2",
        )
        self.show.fact(f"Beto asks for it; the criteria say: {plan['criteria']['outcome']}")
        shown = plan["preview"]
        self.show.fact(f"code {shown['code_from'][:12]} → {shown['code_to'][:12]}, about {shown['expected_s']:.0f} s")
        for table in shown["rows_at_risk"]:
            self.show.fact(f"rows written since the pin: {table['table']} {table['written_since']}")
        self.check("preview_counts_rows_at_risk", shown["rows_total"] > 0, needed=True)
        self.check("preview_shows_configuration", "loyalty" in shown["config_diff"])
        self.check("criteria_call_for_it", plan["criteria"]["outcome"] == "propose")
        self.check("rows_at_risk_need_two_people", plan["four_eyes"])
        self.check("ana_was_asked_by_mail", bool(wait_for("her link", self.asked, timeout_s=20)))
        self.plan = self.person.post(f"response-plans/{plan['id']}/approve")
        self.check("approved_and_started", self.plan["state"] == "running", needed=True)

    def asked(self) -> Received | None:
        """Return the message that asks for an approval, once it is there."""
        return self.mailbox.about("Sua aprovação é necessária")

    # 6 ------------------------------------------------------------------------------------------

    def rolled_back(self) -> None:
        """The plan is carried out; its worker is killed in the middle, and it finishes all the same."""
        self.show.act(6, "Durable execution, with a worker killed in the middle")
        wait_for("the data step", self.reached_data, timeout_s=60, every_s=0.02)
        victim = self.product.worker_pid()
        os.kill(victim, signal.SIGKILL)
        self.show.fact(f"[bold]worker {victim} killed (SIGKILL) while the database was being put back[/bold]")
        run = self.finished(self.plan, timeout_s=120)
        self.check("rollback_finished_by_itself", run["state"] == "succeeded", needed=True)
        self.outcome.kills_survived = int(run["takeovers"])
        self.check("a_killed_worker_was_survived", run["takeovers"] >= 1)
        told = wait_for("the announcement", lambda: self.mailbox.about("[Loja] Está sendo revertido"), timeout_s=20)
        self.check("people_were_told_why", "Motivo: " in str(told.message.get_content()))
        opened = next(step for step in run["steps"] if step["key"] == "open")
        self.outcome.restore_s = self.since_start(opened["finished_at"])
        self.outcome.rollback_s = round(
            (parse(run["finished_at"]) - parse(self.plan["approved_at"])).total_seconds(), 2
        )
        self.check("data_is_as_it_was", self.ground.query(PRICES) == self.prices_before)
        version = httpx.get(f"{self.entry}/version", timeout=10).json()
        self.check("code_is_as_it_was", str(version.get("version")).startswith("1."))
        configuration = (self.ground.root / "loja.toml").read_text()
        self.check("configuration_is_as_it_was", "loyalty" not in configuration)
        databases = {str(row[0]) for row in self.ground.query("SELECT datname FROM pg_database")}
        kept = next(step for step in run["steps"] if step["key"] == "data")["receipt"]
        self.check("replaced_database_is_kept", bool(databases & {str(value) for value in kept.values()} - {"loja"}))

    # 7 ------------------------------------------------------------------------------------------

    def nothing_lost(self) -> None:
        """Orders confirmed in between were set aside, listed and applied again."""
        self.show.act(7, "Nothing lost: what was confirmed in between is there")
        run = self.run_of(self.plan)
        steps = {step["key"]: step for step in run["steps"]}
        outcomes = steps["reapply"]["receipt"].get("counts", {})
        self.show.fact(f"set aside and applied again: {outcomes}")
        self.outcome.rows_reapplied = int(outcomes.get("applied", 0)) + int(outcomes.get("duplicate", 0))
        self.check("rows_in_between_were_applied_again", self.outcome.rows_reapplied > 0)
        self.check("no_conflict_is_left", not outcomes.get("conflict") and not outcomes.get("waiting"))

    # 8 ------------------------------------------------------------------------------------------

    def over(self) -> None:
        """Watched, resolved, told, charged, explained."""
        self.show.act(8, "After the storm: resolved, told, charged, explained")
        number = self.incident["number"]
        wait_for(
            "mitigation", lambda: self.person.get(f"incidents/{number}")["state"] == "mitigated" or None, timeout_s=20
        )
        self.person.post(f"incidents/{number}/resolve", reason="Rollback verificado, vigilância sem falhas")
        wait_for("a green status page", lambda: self.status() == "none" or None, timeout_s=20)
        self.check("status_page_is_green", True)
        budget = self.budget()
        self.outcome.budget_spent_percent = round(float(budget["spent_percent"]), 2)
        self.check("error_budget_was_charged", self.outcome.budget_spent_percent > 0)
        wait_for("the draft", lambda: self.person.get("postmortems"), timeout_s=20)
        written = json.loads(
            self.product.command("postmortem", "export", str(number), "--out", str(self.ground.home), "--json")
        )
        text = self.person.text(f"postmortems/{number}/markdown", lang="pt-br")
        self.check("postmortem_is_drafted", self.change["label"] in text and "❓" in text)
        self.show.fact(f"post-mortem: {written['files'][0]}")
        broken = json.loads(self.product.command("audit", "verify", "--json"))
        self.check("audit_chain_holds", not broken["broken"] and broken["entries"] > 0)

    def accounts_agree(self) -> None:
        """The visitors stop; their account and the shop's database are compared."""
        summary = self.shoppers.stop()
        self.outcome.requests_total = int(summary.get("requests_total", 0))
        self.outcome.requests_failed = int(summary.get("requests_failed", 0))
        result = self.ground.reconcile()
        self.outcome.orders_confirmed = int(result["confirmed"])
        self.outcome.orders_lost = len(result["lost"])
        self.check("visitors_account_agrees_with_the_database", bool(result["agrees"]) and result["confirmed"] > 0)
        self.check("no_confirmed_order_is_lost", self.outcome.orders_lost == 0)

    def reached_data(self) -> bool | None:
        """Whether the plan is putting the database back at this moment (or has)."""
        step = next(s for s in self.run_of(self.plan)["steps"] if s["key"] == "data")
        return step["state"] in ("running", "done") or None


def parse(moment: str) -> datetime:
    """Return an ISO time as aware UTC."""
    return datetime.fromisoformat(moment.replace("Z", "+00:00"))


def whole(storm: Storm, rate: float) -> None:
    """Play every act."""
    began = time.monotonic()
    storm.calm(rate)
    storm.change_goes_out()
    storm.detected()
    storm.contained()
    storm.previewed()
    storm.rolled_back()
    storm.nothing_lost()
    storm.over()
    storm.accounts_agree()
    storm.outcome.total_s = round(time.monotonic() - began, 1)
