"""All checks in order, as a table or as JSON."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from bonanca.cli.doctor.checks import Finding, machine_checks
from bonanca.cli.doctor.database import database_checks
from bonanca.ui.console import console, print_json, say

_SIGNS = {"ok": "[green]ok[/green]", "warn": "[yellow]warning[/yellow]", "fail": "[red]wrong[/red]"}


def report(*, as_json: bool) -> int:
    """Print every finding; return 1 when one of them must be mended before Bonança can work."""
    findings: list[Finding] = [*machine_checks(), *database_checks()]
    wrong = [finding for finding in findings if finding.status == "fail"]
    if as_json:
        print_json({"ok": not wrong, "checks": findings})
        return 1 if wrong else 0
    shown = Table("check", "", "found", box=None, pad_edge=False, header_style="bold")
    for finding in findings:
        text = escape(finding.found) + (f"\n[bold]→ {escape(finding.advice)}[/bold]" if finding.advice else "")
        shown.add_row(finding.name, _SIGNS[finding.status], text)
    console().print(shown)
    say(f"{len(wrong)} to mend" if wrong else "Nothing to mend.")
    return 1 if wrong else 0
