"""What stands in the way of a plan, and whether a moment of waiting may remove it: the same for every preflight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bonanca.actuators.postgres.sessions import DatabaseUnreachable
from bonanca.durable.errors import StepFailed
from bonanca.kernel.errors import BonancaError


def unanswered(what: str, failure: BonancaError) -> dict[str, Any]:
    """The facts of a question that could not be asked: a server that is recovering will answer in a moment."""
    return {"what": what, "why": str(failure), "may_pass": isinstance(failure, DatabaseUnreachable)}


def refuse(standing: Iterable[tuple[str, Mapping[str, Any]]], *, hint: str) -> None:
    """Fail the step with the words of all that stands in the way, if anything does (words with their facts).

    It is asked again, which touches nothing, while every one of them may pass by itself.

    Raises:
        StepFailed
    """
    found = list(standing)
    if found:
        sentences = (words if words.endswith((".", "!", "?")) else f"{words}." for words, _facts in found)
        passing = all(facts.get("may_pass") for _words, facts in found)
        raise StepFailed(" ".join(sentences), retryable=passing, hint=hint)
