"""Read OpenSLO v1 documents (https://github.com/OpenSLO/OpenSLO) as SLOs of declared services.

Kinds SLO, SLI, AlertPolicy and AlertCondition are used; the specification's other kinds are accepted and left alone.
Unknown keys inside OpenSLO documents are tolerated: the format belongs to others. A metric source of type
`bonanca-gateway` with `spec: {gateway, service}` is measured by Bonança's own gateway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from bonanca.catalog.documents.nodes import Node
from bonanca.catalog.documents.problems import Problems
from bonanca.catalog.documents.reader import SLUG, Reader
from bonanca.catalog.documents.slos import check_objective, default_alerts
from bonanca.catalog.spec import BurnAlert, SloSource, SloSpec

API_VERSION = "openslo/v1"
KINDS = ("SLO", "SLI", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "DataSource", "Service")
BUDGETING = {"occurrences": "occurrences", "timeslices": "timeslices", "ratiotimeslices": "ratio-timeslices"}
_DURATION = re.compile(r"([1-9][0-9]{0,5})\s*([smhdwMQY])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 30 * 86400, "Q": 90 * 86400, "Y": 365 * 86400}
_SEVERITY = {"page": "critical", "critical": "critical", "ticket": "high", "high": "high", "warning": "medium"}
_ONE_TEXT = ("query", "expr")


@dataclass(frozen=True)
class FoundSlo:
    """An SLO and where it stands, to be joined with its service."""

    service: str
    slo: SloSpec
    file: str
    line: int


@dataclass
class OpenSlo:
    """The OpenSLO documents of one load, by kind and name, so that they can refer to each other across files."""

    base: Path
    problems: Problems
    documents: dict[str, dict[str, Reader]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def add(self, node: Node) -> None:
        """Take one document; its kind and name must be in order."""
        reader = Reader(node, "OpenSLO", self.base, self.problems)
        kind = reader.text("kind", required=True)
        if kind and kind not in KINDS:
            reader.bad(reader.entries["kind"], "kind", _("one of %(choices)s") % {"choices": ", ".join(KINDS)})
        metadata = nested(reader, "metadata")
        if kind not in KINDS or metadata is None:
            if "metadata" not in reader.entries:
                reader.take("metadata", required=True)
            return
        name = metadata.pattern("name", SLUG, _("small letters, digits and hyphens"), required=True)
        reader.what = f"{kind} '{name or '?'}'"
        known = self.documents[kind]
        if name in known and kind != "Service":
            reader.wrong(
                metadata.entries["name"],
                _("%(what)s is written twice (first in %(file)s:%(line)d)")
                % {"what": reader.what, "file": known[name].node.file, "line": known[name].node.line},
            )
        elif name:
            known[name] = reader

    def slos(self) -> Iterator[FoundSlo]:
        """Every objective of every SLO document; a second objective gets the suffix -2, and so on."""
        for name, reader in self.documents["SLO"].items():
            metadata, spec = nested(reader, "metadata"), nested(reader, "spec")
            if metadata is None or spec is None:
                reader.take("spec", required=True)
                continue
            service = spec.text("service", required=True)
            title = metadata.text("displayName", name)
            shared = self._shared(reader, spec)
            for index, objective in enumerate(_subs(spec, "objectives", required=True), start=1):
                slug = name if index == 1 else f"{name}-{index}"
                own = title if index == 1 else f"{title} ({objective.text('displayName', str(index))})"
                percent = _target(objective, reader.what)
                slo = SloSpec(
                    slug=slug,
                    name=own,
                    objective=percent,
                    slice_s=_duration(objective, "timeSliceWindow", None),
                    slice_target=_share(objective, "timeSliceTarget"),
                    **shared,
                )
                yield FoundSlo(service, slo, reader.node.file, reader.node.line)

    def _shared(self, reader: Reader, spec: Reader) -> dict[str, Any]:
        windows = _subs(spec, "timeWindow")
        window_s = (_duration(windows[0], "duration", None) if windows else None) or _UNIT_S["M"]
        budgeting = spec.text("budgetingMethod", "Occurrences")
        if budgeting.lower() not in BUDGETING:
            choices = "Occurrences, Timeslices, RatioTimeslices"
            spec.bad(spec.entries["budgetingMethod"], "budgetingMethod", _("one of %(choices)s") % {"choices": choices})
        return {
            "description": spec.text("description", limit=5000),
            "window_s": window_s,
            "budgeting": BUDGETING.get(budgeting.lower(), "occurrences"),
            "source": self._indicator(reader, spec),
            "alerts": tuple(self._alerts(spec, window_s)) or default_alerts(window_s),
        }

    def _indicator(self, reader: Reader, spec: Reader) -> SloSource:
        reference = spec.text("indicatorRef")
        if reference:
            indicator: Reader | None = self.documents["SLI"].get(reference)
            if indicator is None:
                spec.bad(
                    spec.entries["indicatorRef"], "indicatorRef", _("the name of an SLI document that is here too")
                )
                return SloSource(kind="unknown")
        else:
            indicator = nested(spec, "indicator")
        inner = nested(indicator, "spec") if indicator is not None else None
        if inner is None:
            reader.wrong(spec.node, _("%(what)s: indicator is missing") % {"what": reader.what})
            return SloSource(kind="unknown")
        return _source(inner, reader.what)

    def _alerts(self, spec: Reader, window_s: float) -> Iterator[BurnAlert]:
        policies = _resolved(spec, "alertPolicies", "alertPolicyRef", self.documents["AlertPolicy"])
        for policy in policies:
            inner = nested(policy, "spec")
            if inner is None:
                continue
            for condition in _resolved(inner, "conditions", "conditionRef", self.documents["AlertCondition"]):
                alert = _burn_alert(condition, window_s)
                if alert is not None:
                    yield alert


def nested(reader: Reader, key: str) -> Reader | None:
    """A nested mapping of a document that is not ours: absent or of another shape is None or a noted problem."""
    node = reader.take(key)
    if node is None:
        return None
    if not node.is_mapping:
        reader.bad(node, key, _("a mapping"))
        return None
    return reader.sub(node, reader.what)


def _subs(reader: Reader, key: str, *, required: bool = False) -> list[Reader]:
    return [reader.sub(node, reader.what) for node in reader.items(key, required=required)]


def _resolved(reader: Reader, key: str, reference: str, known: dict[str, Reader]) -> Iterable[Reader]:
    """Elements written in place, and those that a reference names (an unknown one belongs to another tool)."""
    for node in reader.items(key):
        if isinstance(node.value, str):
            found = known.get(node.value)
        elif isinstance(node.value, dict):
            element = reader.sub(node, reader.what)
            named = element.text(reference)
            found = known.get(named) if named else element
        else:
            continue
        if found is not None:
            yield found


def _burn_alert(document: Reader, window_s: float) -> BurnAlert | None:
    spec = nested(document, "spec")
    condition = nested(spec, "condition") if spec is not None else None
    if spec is None or condition is None or condition.text("kind", "burnrate") != "burnrate":
        return None
    threshold = condition.number("threshold", 0.0, maximum=1e6)
    long_s = _duration(condition, "lookbackWindow", None)
    if threshold <= 0 or long_s is None or long_s > window_s:
        return None
    # OpenSLO has one window; the workbook's short one is a twelfth of it.
    return BurnAlert(_SEVERITY.get(spec.text("severity", "page").lower(), "low"), threshold, long_s, long_s / 12)


def _source(spec: Reader, what: str) -> SloSource:
    ratio = nested(spec, "ratioMetric")
    if ratio is not None:
        parts = {key: _metric(ratio, key) for key in ("good", "bad", "total", "raw")}
        kinds = [kind for kind, _text, _sub in parts.values() if kind]
        gateway = next((sub for kind, _text, sub in parts.values() if kind == "bonanca-gateway"), None)
        if gateway is not None:
            return SloSource(
                kind="gateway", gateway=gateway.text("gateway", "default"), service=gateway.text("service") or None
            )
        if not kinds:
            spec.wrong(ratio.node, _("%(what)s: ratioMetric needs good or bad, and total") % {"what": what})
        return SloSource(
            kind=kinds[0] if kinds else "unknown",
            good=parts["good"][1] or parts["raw"][1],
            bad=parts["bad"][1],
            total=parts["total"][1],
        )
    kind, text, _sub = _metric(spec, "thresholdMetric")
    if not kind:
        spec.wrong(spec.node, _("%(what)s: needs ratioMetric or thresholdMetric") % {"what": what})
    return SloSource(kind=kind or "unknown", good=text)


def _metric(reader: Reader, key: str) -> tuple[str, str | None, Reader | None]:
    """(type in small letters, its query where it has one text, its spec) of a metric, ("", None, None) when absent."""
    holder = nested(reader, key)
    source = nested(holder, "metricSource") if holder is not None else None
    if source is None:
        return "", None, None
    kind = source.text("type", source.text("metricSourceRef", "unknown")).lower()
    spec = nested(source, "spec")
    text = next((spec.text(name, limit=10_000) for name in _ONE_TEXT if name in spec.entries), None) if spec else None
    return kind, text, spec


def _target(objective: Reader, what: str) -> float:
    objective.what = what
    if "targetPercent" in objective.entries:
        percent = objective.number("targetPercent", 99.0, minimum=-1e12)
        check_objective(objective, "targetPercent", percent)
        return percent
    share = objective.number("target", 0.99, minimum=-1e12, required=True)
    if not 0 < share < 1:
        objective.wrong(
            objective.entries.get("target", objective.node),
            _("%(what)s: target must be above 0 and below 1 (got %(got)g)") % {"what": what, "got": share},
            _("a share such as 0.995: an SLO of 100 %% leaves no error budget") % {},
        )
    # 0.995 * 100 is 99.5 only after rounding away the binary dust.
    return round(share * 100, 9)


def _share(reader: Reader, key: str) -> float | None:
    return reader.number(key, 0.0, maximum=1.0) if key in reader.entries else None


def _duration(reader: Reader, key: str, default: float | None) -> float | None:
    node = reader.take(key)
    if node is None:
        return default
    match = _DURATION.fullmatch(str(node.value))
    if match is None:
        reader.bad(node, key, _("a duration such as 5m, 1h, 2w or 1M"))
        return default
    return float(int(match.group(1)) * _UNIT_S[match.group(2)])
