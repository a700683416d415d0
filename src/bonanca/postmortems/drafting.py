"""Evidence as a Markdown document in one language. Where evidence ends, it asks; it never invents (requirement C4).

No `_()` stands inside an f-string here: such texts are not found by the extraction of translations.
"""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone, translation
from django.utils.text import slugify
from django.utils.translation import gettext as _

from bonanca.incidents.state import SHORT_LABEL, Severity
from bonanca.postmortems.evidence import Evidence, ReexecutionFact, WatchFact, burnt
from bonanca.ui.formats import clock_text, day_text, duration_text, exact_text, number_text, percent_text, zone_text
from bonanca.ui.phrases import render, said

CHART_NAME = "error-ratio.svg"
BUDGET_CHART_NAME = "error-budget.svg"


def draft(evidence: Evidence, *, locale: str, time_zone: str) -> str:
    """Return the whole draft; times are in `time_zone`, words and numbers as `locale` writes them."""
    with translation.override(locale), timezone.override(ZoneInfo(time_zone)):
        parts = [
            _heading(evidence),
            _summary(evidence),
            _timeline(evidence),
            _detection(evidence),
            _impact(evidence),
            _budget(evidence),
            _cause(evidence),
            _response(evidence),
            _actions(),
        ]
    return "\n\n".join(parts) + "\n"


def _head(level: int, text: str) -> str:
    return "#" * level + " " + text


def _question(text: str) -> str:
    return f"> ❓ {text}"


def _line(text: str) -> str:
    """Return free text that cannot begin a block of its own: a title or an alert may hold line breaks."""
    return " ".join(text.split())


def _code(text: str) -> str:
    """Return text as a code span, whatever backquotes are in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{_line(text)}{space}{fence}"


def _cell(text: str) -> str:
    """Return text that cannot end its table cell or row."""
    return _line(text.replace("|", "\\|"))


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _heading(e: Evidence) -> str:
    lasted = duration_text((e.resolved_at - e.started_at).total_seconds()) if e.resolved_at else "—"
    rows = [
        [_("Incident"), f"INC-{e.number}"],
        [_("Severity"), f"{SHORT_LABEL[e.severity]} {Severity(e.severity).label}"],
        [_("Service"), f"{e.service_name} (`{e.service}`)"],
        [_("Date"), day_text(e.started_at)],
        [_("Duration"), lasted],
        [_("Incident Commander"), e.commander or "—"],
    ]
    return f"# {_cell(said(e.title))}\n\n" + _table([_("Fact"), _("Value")], rows)


def _summary(e: Evidence) -> str:
    what = _("From %(start)s on, %(failed)s of %(total)s requests to %(service)s failed (%(share)s).") % {
        "start": exact_text(e.started_at),
        "failed": number_text(e.impact.failed),
        "total": number_text(e.impact.total),
        "service": e.service_name,
        "share": percent_text(_share(e), 1),
    }
    if not e.impact.total:
        what = _question(_("No request was measured while it lasted. What did people see?"))
    when = _("It was detected after %(detect)s.") % {"detect": duration_text(e.detection.detect_s)}
    if e.detection.contain_s is not None:
        when += " " + _("The impact was contained after %(seconds)s.") % {
            "seconds": duration_text(e.detection.contain_s)
        }
    if e.detection.restore_s is not None:
        when += " " + _("The service was back after %(seconds)s.") % {"seconds": duration_text(e.detection.restore_s)}
    if e.suspect is not None:
        why = _("Suspected change: %(label)s, %(title)s.") % {"label": e.suspect.label, "title": _line(e.suspect.title)}
    else:
        why = _question(_("No change is on record shortly before. What set it off?"))
    how = (
        _("How it ended: %(rollback)s.") % {"rollback": _line(said(e.rollback))}
        if e.rollback
        else _question(_("What ended it?"))
    )
    return "\n\n".join([_head(2, _("Executive summary")), what, when, why, how])


def _share(e: Evidence) -> float:
    return 100.0 * e.impact.failed / e.impact.total if e.impact.total else 0.0


def _timeline(e: Evidence) -> str:
    head = [_("Time") + f" ({zone_text(e.started_at)})", _("What happened"), _("Who")]
    measured = [clock_text(e.started_at), "**" + _("First failed request (measured)") + "**", "—"]
    rows = [
        [clock_text(f.at), f.text if f.written_by_person else render(f.text, f.facts), _who(f.actor)]
        for f in e.timeline
    ]
    place = sum(1 for f in e.timeline if f.at < e.started_at)
    rows.insert(place, measured)
    return _head(2, _("Timeline")) + "\n\n" + _table(head, rows)


def _who(actor: str) -> str:
    """Our own parts are one for the reader."""
    return "Bonança" if actor.startswith("system:") else actor


def _detection(e: Evidence) -> str:
    lines = [_head(2, _("Detection")), ""]
    if e.detection.summary:
        lines.append(_("Alert: %(summary)s") % {"summary": _line(said(e.detection.summary))})
    else:
        lines.append(_question(_("It was reported by a person. Why did no alert fire?")))
    steps = [
        (_("First failure to detection"), e.detection.detect_s),
        (_("First failure to the page's delivery"), e.detection.page_s),
        (_("First failure to acknowledgement"), e.detection.acknowledge_s),
        (_("First failure to containment"), e.detection.contain_s),
        (_("First failure to recovery"), e.detection.restore_s),
    ]
    rows = [[name, duration_text(value) if value is not None else _("not measured")] for name, value in steps]
    return "\n".join(lines) + "\n\n" + _table([_("Interval"), _("Measured")], rows)


def _impact(e: Evidence) -> str:
    rows = [
        [_("Requests while it lasted"), number_text(e.impact.total)],
        [_("Failed requests"), f"{number_text(e.impact.failed)} ({percent_text(_share(e), 1)})"],
        [_("of these answered with a polite page"), number_text(e.impact.contained)],
    ]
    lines = [_head(2, _("Impact")), "", _table([_("Measure"), _("Value")], rows), ""]
    if any(p.error_ratio is not None for p in e.points):
        lines.append("![" + _("Error ratio over time") + f"]({CHART_NAME})")
    if e.rows is not None:
        lines += ["", _head(3, _("Data")), "", _rows_words(e)]
    lines += ["", _question(_("How many people were affected, and what did it mean for them?"))]
    return "\n".join(lines)


def _rows_words(e: Evidence) -> str:
    assert e.rows is not None  # the caller has looked
    total = sum(e.rows.counts.values())
    words = {
        "applied": _("applied again"),
        "duplicate": _("there already"),
        "conflict": _("in conflict, for a decision"),
        "decision": _("changed, for a decision"),
        "pending": _("waiting"),
    }
    parts = [f"{number_text(count)} {words.get(outcome, outcome)}" for outcome, count in e.rows.counts.items() if count]
    text = _("%(total)s rows written before the rollback were set aside: %(parts)s.") % {
        "total": number_text(total),
        "parts": ", ".join(parts) or "—",
    }
    if e.rows.kept_database:
        text += " " + _("The replaced database is kept as `%(name)s`.") % {"name": e.rows.kept_database}
    return text


def _budget(e: Evidence) -> str:
    if not e.budgets:
        return (
            _head(2, _("Error budget impact"))
            + "\n\n"
            + _question(_("No objective covers this service. Which should?"))
        )
    head = [_("Objective"), _("Target"), _("Spent by this incident"), _("Left now"), _("Deploy status")]
    labels = {"normal": _("Normal"), "caution": _("Caution"), "warning": _("Warning"), "freeze": _("Freeze")}
    rows = []
    for b in e.budgets:
        spent = percent_text(b.spent_by_incident_percent, 1) if b.spent_by_incident_percent is not None else "—"
        # What is overspent is told by the share spent; nothing is left all the same.
        left = percent_text(max(0.0, b.remaining_percent), 1)
        rows.append([b.name, percent_text(b.objective, 1), spent, left, labels.get(b.status, b.status)])
    text = _head(2, _("Error budget impact")) + "\n\n" + _table(head, rows)
    if burnt(e):
        text += "\n\n![" + _("Error budget spent over time") + f"]({BUDGET_CHART_NAME})"
    return text


def _cause(e: Evidence) -> str:
    lines = [_head(2, _("Root cause")), ""]
    if e.suspect is not None:
        because = "; ".join(render(text, facts) for text, facts in e.suspect.reasons)
        lines.append(
            _("Suspected change: %(label)s (%(version)s), because %(because)s.")
            % {"label": e.suspect.label, "version": e.suspect.version, "because": because}
        )
        lines += ["", *(f"- {_code(line)}" for line in [*e.suspect.commits, *e.suspect.files]), ""]
    lines += [_head(3, _("Five whys")), ""]
    lines += [f"{n}. ❓ " + _("Why?") for n in range(1, 6)]
    lines += [
        "",
        _head(3, _("Contributing factors")),
        "",
        _question(_("What made it possible, and what made it worse?")),
    ]
    return "\n".join(lines)


def _response(e: Evidence) -> str:
    lines = [_head(2, _("Response")), ""]
    if e.containments:
        lines.append("- " + _("Contained: %(what)s") % {"what": ", ".join(_code(c) for c in e.containments)})
    if e.rollback:
        lines.append("- " + _("Brought back: %(title)s") % {"title": _line(said(e.rollback))})
    lines += [f"- {_again_words(one)}" for one in e.reexecutions]
    lines += [f"- {_watch_words(one)}" for one in e.watches]
    lines += ["", _question(_("What went well? Where were we lucky?"))]
    return "\n".join(lines)


def _watch_words(one: WatchFact) -> str:
    facts = {
        "since": exact_text(one.since),
        "until": exact_text(one.ended_at or one.until),
        "failed": number_text(one.failed),
        "requests": number_text(one.requests),
        "checks": number_text(one.checks),
        "why": "; ".join(_line(said(finding)) for finding in one.findings) or _line(one.reason),
        "unseen": duration_text(one.unseen_s),
    }
    texts = {
        "watching": _("Watched closer since %(since)s, until %(until)s."),
        "calm": _("Watched closer from %(since)s to %(until)s: nothing came back."),
        "returned": _("Watched closer from %(since)s: it came back at %(until)s (%(why)s)."),
        "ended": _("Watched closer from %(since)s to %(until)s, ended by a person: %(why)s"),
    }
    text = texts[one.state] % facts
    text += " " + _("%(failed)s of %(requests)s requests failed, %(checks)s checks were asked.") % facts
    if one.unseen_s >= 60:
        text += " " + _("Nobody could look for %(unseen)s of it.") % facts
    return text


def _again_words(one: ReexecutionFact) -> str:
    done, left = one.counts.get("done", 0), one.counts.get("chosen", 0) + one.counts.get("sending", 0)
    facts = {
        "since": exact_text(one.since),
        "until": exact_text(one.until),
        "done": number_text(done),
        "already": number_text(one.counts.get("already", 0)),
        "failed": number_text(one.counts.get("failed", 0)),
        "left": number_text(left),
    }
    text = (
        _(
            "What failed from %(since)s to %(until)s was run again: %(done)s done, %(already)s were done already,"
            " %(failed)s failed."
        )
        % facts
    )
    if left:
        text += " " + _("%(left)s are left.") % facts
    return text


def _actions() -> str:
    head = [_("Action"), _("Owner"), _("Deadline"), _("Horizon"), _("Ticket")]
    ask = _question(_("Which measurable change keeps this class of failure from coming back? One line an action."))
    return _head(2, _("Action items")) + f"\n\n{ask}\n\n" + _table(head, [["", "", "", "", ""]])


def file_name(evidence: Evidence, day: datetime) -> str:
    """Return `YYYY-MM-DD-kebab-title.md` (requirement C6), the day in the active zone."""
    # "5,3 %" is not 53 %: what stands between digits keeps them apart.
    words = slugify(re.sub(r"(?<=\d)[.,](?=\d)", "-", said(evidence.title))).strip("-") or f"inc-{evidence.number}"
    if len(words) > 60:
        # At a word's end, unless the title is one endless word.
        words = words[:61].rpartition("-")[0] or words[:60]
    return f"{timezone.localtime(day):%Y-%m-%d}-{words}.md"
