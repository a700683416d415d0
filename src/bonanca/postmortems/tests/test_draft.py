"""The same evidence in two languages; questions where it ends; nothing of it can break the document."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from bonanca.postmortems.drafting import draft, file_name
from bonanca.postmortems.evidence import (
    BudgetFact,
    DetectionFact,
    Evidence,
    ImpactFact,
    PointFact,
    RowsFact,
    SuspectFact,
    TimelineFact,
)
from bonanca.postmortems.markdown import to_html

BEGAN = datetime(2026, 3, 12, 2, 59, 30, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


FULL = Evidence(
    incident_id=uuid4(),
    number=7,
    title="Checkout fails",
    service="loja-api",
    service_name="Loja",
    severity="critical",
    commander="Ana Souza",
    started_at=BEGAN,
    detected_at=after(10),
    resolved_at=after(150),
    contained_at=after(40),
    mitigated_at=after(95),
    detection=DetectionFact("30 % of requests fail", 10.0, 12.0, 20.0, 40.0, 95.0),
    impact=ImpactFact(12_000, 1_234, 40),
    budgets=[BudgetFact("loja-availability", "Loja responde", 99.0, 1800, 41.2, 58.8, "normal")],
    timeline=[
        TimelineFact(
            after(-5), "action", "system:response", "Done and verified: %(title)s", {"title": "Release v2"}, False
        ),
        TimelineFact(after(10), "signal", "system:signals", "Alert: %(summary)s", {"summary": "30 % fail"}, False),
        TimelineFact(after(60), "note", "Beto Lima", "São os pontos | 100%", {}, True),
    ],
    suspect=SuspectFact(
        uuid4(),
        "CHG-3",
        "Customer week",
        "v2",
        after(-7),
        [("it took effect %(seconds)s s before the first failure", {"seconds": 7})],
        ["app.py (+1 −1)"],
        ["0123456 Points"],
    ),
    containments=["/checkout"],
    rollback="Loja back to before v2",
    rows=RowsFact("loja_kept", {"applied": 31, "duplicate": 2, "conflict": 1, "decision": 4, "pending": 0}),
    points=[PointFact(after(0), 5.0, 0.3, 20.0)],
)
BARE = replace(
    FULL,
    commander="",
    resolved_at=None,
    contained_at=None,
    mitigated_at=None,
    detection=DetectionFact("", 0.0, None, None, None, None),
    impact=ImpactFact(0, 0, 0),
    budgets=[],
    timeline=[],
    suspect=None,
    containments=[],
    rollback="",
    rows=None,
    points=[],
)
SECTIONS = {
    "en": ["Executive summary", "Timeline", "Detection", "Impact", "Error budget impact", "Root cause", "Action items"],
    "pt-br": ["Resumo", "Linha do tempo", "Detecção", "Impacto", "Causa raiz"],
}


def english(evidence: Evidence, time_zone: str = "UTC") -> str:
    return draft(evidence, locale="en", time_zone=time_zone)


@pytest.mark.parametrize(
    ("locale", "facts"),
    [
        ("en", ["1,234 of 12,000", "10.3 %", "UTC−03:00", "99.0 %"]),
        ("pt-br", ["1.234", "12.000", "10,3 %", "UTC−03:00", "99,0 %"]),
    ],
)
def test_the_facts_are_there_as_the_language_writes_them(locale: str, facts: list[str]) -> None:
    text = draft(FULL, locale=locale, time_zone="America/Sao_Paulo")
    plain = text.replace("\xa0", " ").replace("\u202f", " ")
    always = ["INC-7", "SEV1", "Loja (`loja-api`)", "Ana Souza", "CHG-3", "`/checkout`", "23:59:30", "`loja_kept`"]
    always += ["0123456 Points", "app.py (+1 −1)", "Customer week", "Loja back to before v2"]
    assert [fact for fact in [*always, *facts] if fact not in plain] == []
    headings = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    assert [name for name in SECTIONS[locale] if not any(name in heading for heading in headings)] == []


def test_no_word_of_the_other_language_is_left() -> None:
    text = draft(FULL, locale="pt-br", time_zone="UTC")
    left = [
        "Executive",
        "Timeline",
        "Detection",
        "Root cause",
        "Why?",
        "Action items",
        "was detected",
        "Measured",
    ]
    assert [word for word in left if word in text] == []


def test_times_are_in_the_zone_that_was_asked_for() -> None:
    assert "02:59:30" in english(FULL)
    assert "23:59:30" in english(FULL, "America/Sao_Paulo")


def test_the_first_failure_stands_in_its_place() -> None:
    rows = [line for line in english(FULL).splitlines() if line.startswith("| 0")]
    assert [row.split(" | ")[1][:14] for row in rows] == [
        "Done and verif",
        "**First failed",
        "Alert: 30 % fa",
        "São os pontos ",
    ]
    assert rows[0].endswith("| Bonança |")


def test_where_evidence_ends_it_asks() -> None:
    text = english(BARE)
    assert "failed (0" not in text
    assert "not measured" in text
    for question in (
        "No request was measured while it lasted.",
        "No change is on record shortly before.",
        "What ended it?",
        "It was reported by a person.",
        "No objective covers this service.",
    ):
        assert f"> ❓ {question}" in text
    assert english(FULL).count("❓") < text.count("❓")


def test_what_has_not_ended_has_no_duration() -> None:
    assert "| Duration | — |" in english(BARE)
    assert "| Duration | — |" not in english(FULL)


def test_rows_are_counted_by_what_became_of_them() -> None:
    text = english(FULL)
    assert "38 rows written before the rollback were set aside" in text
    assert "31 applied again, 2 there already, 1 in conflict, for a decision, 4 changed, for a decision" in text
    assert "pending" not in text


HOSTILE = (
    "<script>alert(1)</script> | a \\| b\n\n## Impact\n\nNone. ![x](http://evil.example/x.png) [y](javascript:alert(1))"
)


@pytest.mark.parametrize("where", ["title", "note", "alert", "change", "rollback", "commit", "path"])
def test_hostile_words_change_neither_structure_nor_page(where: str) -> None:
    assert FULL.suspect is not None
    changed = {
        "title": replace(FULL, title=HOSTILE),
        "note": replace(FULL, timeline=[TimelineFact(after(1), "note", "Beto | x", HOSTILE, {}, True)]),
        "alert": replace(FULL, detection=replace(FULL.detection, summary=HOSTILE)),
        "change": replace(FULL, suspect=replace(FULL.suspect, title=HOSTILE)),
        "rollback": replace(FULL, rollback=HOSTILE),
        "commit": replace(FULL, suspect=replace(FULL.suspect, commits=[f"``` `a` {HOSTILE}"])),
        "path": replace(FULL, containments=[f"/a`b {HOSTILE}"]),
    }[where]
    text = english(changed)
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [line for line in english(FULL).splitlines() if line.startswith("## ")]
    for table in text.split("\n\n"):
        rows = [row.replace("\\|", "") for row in table.splitlines() if row.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1
    html = str(to_html(text))
    assert html.count("<h2>") == len(headings)
    for poison in ("<script", "<img", 'href="javascript', "onerror"):
        assert poison not in html


def test_the_page_leaves_out_what_it_shows_itself() -> None:
    html = str(to_html(english(FULL)))
    assert "<h1>" not in html
    assert "<table>" in html
    assert "error-ratio.svg" not in html
    assert "error-ratio.svg" in english(FULL)
    assert "error-ratio.svg" not in english(BARE)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Checkout fails: 30 % of requests!", "2026-03-12-checkout-fails-30-of-requests.md"),
        ("Erros em 5,3 % dos pedidos", "2026-03-12-erros-em-5-3-dos-pedidos.md"),
        ("Atenção: caixa não responde", "2026-03-12-atencao-caixa-nao-responde.md"),
        ("../../etc/passwd\n", "2026-03-12-etcpasswd.md"),
        ("結帳失敗", "2026-03-12-inc-7.md"),
        ("x" * 200, f"2026-03-12-{'x' * 60}.md"),
        ("checkout fails " * 9, "2026-03-12-checkout-fails-checkout-fails-checkout-fails-checkout-fails.md"),
    ],
)
def test_its_file_is_named_by_day_and_title(title: str, name: str) -> None:
    from django.utils import timezone

    with timezone.override("UTC"):
        assert file_name(replace(FULL, title=title), BEGAN) == name
    with timezone.override("America/Sao_Paulo"):
        assert file_name(FULL, BEGAN).startswith("2026-03-11-")
