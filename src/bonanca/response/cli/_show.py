"""How the commands of this room print plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from bonanca.response.follow import follow
from bonanca.ui.console import emit

if TYPE_CHECKING:
    from bonanca.response.queries import Preview, ProposedPlanView
    from bonanca.response.views import Criteria, StepPreview


def django() -> None:
    """Set Django up, once a command really runs."""
    from bonanca.kernel.boot import setup_django

    setup_django()


def started(plan: ProposedPlanView, *, wait: bool, as_json: bool) -> None:
    """Say that it runs, or wait for its end; a failed plan exits with 1."""
    if plan.run_id is None:
        note = "one more person has to agree"
        emit(plan, as_json=as_json, show=lambda: typer.echo(f"{plan.title}: {note}"))
        return
    if wait:
        plan = follow(plan.id)
    elif not as_json:
        typer.echo(f"started: {plan.title}\n  bonanca plan show {plan.run_id}")
        return
    emit(plan, as_json=as_json, show=lambda: typer.echo(f"{plan.state}: {plan.title}"))
    if wait and plan.state != "succeeded":
        typer.echo(f"{plan.error}\n  go on from the failed step: bonanca plan retry {plan.run_id}", err=True)
        raise typer.Exit(1)


def show_plan(plan: ProposedPlanView) -> None:
    """Print a plan with its preview and what became of it."""
    typer.echo(f"{plan.title}\n  {plan.kind} of {plan.service}, {plan.state}, by {plan.proposed_by}")
    if plan.approved_at:
        typer.echo(f"  approved by {plan.approved_by} at {plan.approved_at:%Y-%m-%d %H:%M:%S} UTC")
    if plan.finished_at:
        typer.echo(f"  ended at {plan.finished_at:%Y-%m-%d %H:%M:%S} UTC")
    if plan.error:
        typer.echo(f"  {plan.error}")
    show_criteria(plan.criteria)
    show_preview(plan.preview)
    for given in plan.approvals:
        typer.echo(f"  agreed: {given.name} ({given.via}) at {given.at:%Y-%m-%d %H:%M:%S} UTC")
    if plan.waits_for_approval and plan.four_eyes:
        from bonanca.response.approvers import approvers

        able = ", ".join(person.email for person in approvers(plan)) or "nobody: a second commander is missing"
        typer.echo(f"\nTwo people have to agree ({plan.preview.four_eyes}); {plan.proposed_by} asked for it.")
        typer.echo(f"  may approve: {able}")
    if plan.waits_for_approval:
        typer.echo(f"\nWaits for approval until {plan.expires_at:%H:%M:%S} UTC:")
        typer.echo(f"  bonanca rollback approve {plan.id} --wait")
    elif plan.run_id:
        typer.echo(f"\nIts progress: bonanca plan show {plan.run_id}")


def show_approvers(team: str, preview: Preview) -> None:
    """Print who could say yes to a rollback, were it asked for."""
    from bonanca.response.approvers import able_to_approve

    why = f"two people have to agree ({preview.four_eyes})" if preview.four_eyes else "a commander approves"
    able = ", ".join(person.email for person in able_to_approve(team)) or "there is none"
    typer.echo(f"\nApproval: {why}; commanders: {able}")


def show_criteria(criteria: Criteria) -> None:
    """Print the eight rules with their evidence."""
    if not criteria.rules:
        return
    typer.echo(f"\n{criteria.outcome_label}")
    for rule in criteria.rules:
        said = f" — {rule.who}: {rule.answer}" if rule.answered_by else ""
        typer.echo(f"  {rule.opinion:8} {rule.rule:13} {rule.words}{said}")


def show_preview(preview: Preview) -> None:
    """Print what a plan would do."""
    if preview.reason:
        typer.echo(f"  why: {preview.reason}")
    typer.echo(f"\nCode    {preview.code_from[:12] or 'nothing'} → {preview.code_to[:12] or 'nothing'}")
    if preview.pinned_at:
        as_of = f"as of {preview.pinned_at:%Y-%m-%d %H:%M:%S} UTC; what is replaced is kept"
        typer.echo(f"Data    {'stays as it is' if preview.strategy == 'keep_data' else as_of}")
    for at_risk in preview.rows_at_risk:
        if at_risk.problem:
            typer.echo(f"  {at_risk.table}: could not be counted: {at_risk.problem}")
        else:
            known = at_risk.changed is not None
            changed = f", {at_risk.changed} changed" if known else ", changed ones are compared and listed then"
            typer.echo(f"  {at_risk.table}: {at_risk.written_since} rows written since{changed}; they are set aside")
    if preview.config_diff:
        typer.echo("Configuration")
        typer.echo("\n".join(f"  {line}" for line in preview.config_diff.splitlines()))
    for check in preview.checks:
        holds = "note   " if check.warns else "holds  "
        typer.echo(f"{holds if check.passed else 'FAILS  '} {check.words}")
    typer.echo()
    show_steps(preview.steps)


def show_steps(steps: Sequence[StepPreview]) -> None:
    """Print steps with their expected seconds."""
    from django.utils.translation import gettext

    typer.echo(f"Steps, about {sum(step.expected_s or 0 for step in steps):.0f} s in all")
    for step in steps:
        took = f"{step.expected_s:6.1f} s" if step.expected_s is not None else "       ?"
        typer.echo(f"  {took}  {gettext(step.title) if step.title else step.key}")
