"""The eight rules with their evidence, as they are shown and stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bonanca.response.criteria.rules import ASKED, Opinion, Outcome, Rule, outcome_of
from bonanca.ui.formats import who_text
from bonanca.ui.phrases import render


@dataclass(frozen=True)
class Answer:
    """What a person said about a rule."""

    rule: str
    opinion: str
    words: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Criterion:
    """One rule: its opinion, and the evidence as message id with facts, or what a person said (`answered_by`)."""

    rule: str
    opinion: str
    text: str
    facts: dict[str, Any] = field(default_factory=dict)
    answer: str = ""
    answered_by: str = ""

    @property
    def label(self) -> str:
        return str(Rule(self.rule).label)

    @property
    def opinion_label(self) -> str:
        return str(Opinion(self.opinion).label)

    @property
    def words(self) -> str:
        return render(self.text, self.facts)

    @property
    def who(self) -> str:
        """The name of who answered, without the kind of account."""
        return who_text(self.answered_by)

    @property
    def tone(self) -> str:
        """How it is coloured: what speaks for going back burns, what speaks against it is at risk."""
        return {Opinion.FOR: "burning", Opinion.AGAINST: "calm"}.get(Opinion(self.opinion), "unknown")


@dataclass(frozen=True)
class Criteria:
    """All rules of a plan. `severity` is that of its incident; `needed` rules have to speak for it."""

    rules: tuple[Criterion, ...] = ()
    needed: int = 2
    severity: str = ""

    @property
    def outcome(self) -> str:
        return str(outcome_of(((r.rule, r.opinion, bool(r.answered_by)) for r in self.rules), needed=self.needed))

    @property
    def outcome_label(self) -> str:
        return str(Outcome(self.outcome).label)

    @property
    def forbids(self) -> bool:
        return bool(self.rules) and self.outcome == Outcome.FORBID

    @property
    def critical(self) -> bool:
        """Whether the policy may start the rollback by itself, as far as the rules go."""
        return bool(self.rules) and self.outcome == Outcome.PROPOSE and self.severity == "critical"

    def count(self, opinion: str) -> int:
        """Return how many rules are of an opinion."""
        return sum(rule.opinion == opinion for rule in self.rules)

    @property
    def tally(self) -> dict[str, int]:
        return {opinion.value: self.count(opinion) for opinion in Opinion}

    @property
    def open(self) -> tuple[Criterion, ...]:
        """What a person is asked: the rules that no instrument measures, and those that could not be measured."""
        return tuple(r for r in self.rules if r.rule in ASKED or r.opinion == Opinion.UNKNOWN or r.answered_by)

    def answered(self, answers: Iterable[Answer]) -> Criteria:
        """Return the same rules with what people said about them."""
        said = {answer.rule: answer for answer in answers}
        return replace(self, rules=tuple(_with(rule, said.get(rule.rule)) for rule in self.rules))


def _with(rule: Criterion, answer: Answer | None) -> Criterion:
    if answer is None:
        return rule
    return replace(rule, opinion=answer.opinion, answer=answer.words, answered_by=answer.by)


def criteria_from_json(data: dict[str, Any] | None) -> Criteria:
    """Rebuild the rules that were stored with a plan."""
    if not data:
        return Criteria()
    rules = tuple(Criterion(**rule) for rule in data.get("rules", ()))
    return Criteria(rules, int(data.get("needed", 2)), str(data.get("severity", "")))
