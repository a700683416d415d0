"""Labels of alerts: fingerprint, matchers, and what they say about service and severity.

Pure. The fingerprint is Prometheus' own (FNV-1a, 64 bits, over the sorted pairs), so that an alert carries the same one
here and in an Alertmanager.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bonanca.signals.state import Severity

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")

_FNV_OFFSET = 14695981039346656037
_FNV_PRIME = 1099511628211
_MASK = (1 << 64) - 1
_SEPARATOR = b"\xff"

_SEVERITIES: dict[str, str] = {
    "critical": Severity.CRITICAL,
    "crit": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "disaster": Severity.CRITICAL,
    "sev1": Severity.CRITICAL,
    "p1": Severity.CRITICAL,
    "high": Severity.HIGH,
    "page": Severity.HIGH,
    "error": Severity.HIGH,
    "major": Severity.HIGH,
    "sev2": Severity.HIGH,
    "p2": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "warning": Severity.MEDIUM,
    "warn": Severity.MEDIUM,
    "ticket": Severity.MEDIUM,
    "minor": Severity.MEDIUM,
    "sev3": Severity.MEDIUM,
    "p3": Severity.MEDIUM,
    "low": Severity.LOW,
    "info": Severity.LOW,
    "informational": Severity.LOW,
    "notice": Severity.LOW,
    "none": Severity.LOW,
    "sev4": Severity.LOW,
    "p4": Severity.LOW,
    "p5": Severity.LOW,
}


def fingerprint(labels: Mapping[str, str]) -> str:
    """The identity of an alert: 16 hexadecimal digits over all its labels."""
    value = _FNV_OFFSET
    for name in sorted(labels):
        for byte in name.encode() + _SEPARATOR + labels[name].encode() + _SEPARATOR:
            value = ((value ^ byte) * _FNV_PRIME) & _MASK
    return f"{value:016x}"


def severity_of(labels: Mapping[str, str]) -> str:
    """Our severity for the sender's word; an unknown or missing word is medium: seen, but waking nobody alone."""
    return _SEVERITIES.get(labels.get("severity", "").strip().lower(), Severity.MEDIUM)


def service_of(labels: Mapping[str, str]) -> str:
    """The catalog slug that the labels name, or an empty string."""
    return labels.get("service", "").strip()


def summary_of(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    """One line for people: the sender's own words, else the alert's name."""
    for text in (annotations.get("summary"), annotations.get("title"), annotations.get("description")):
        if text and text.strip():
            return " ".join(text.split())[:300]
    name = labels.get("alertname", "")
    return (name or ", ".join(f"{key}={value}" for key, value in sorted(labels.items())))[:300]


class BadMatcher(ValueError):
    """A matcher expression that cannot be read."""


@dataclass(frozen=True)
class Matcher:
    """`name op value`, with op one of = != =~ !~ (regular expressions are anchored, as in Alertmanager)."""

    name: str
    op: str
    value: str
    _test: Callable[[str], bool]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy it; a missing label counts as empty."""
        return self._test(labels.get(self.name, ""))


_MATCHER = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*(.*?)\s*\Z", re.DOTALL)
_MAX_PATTERN = 500


def parse_matcher(text: str) -> Matcher:
    """Read a matcher such as `alertname="DiskFull"` or `service=~loja-.*`.

    Raises:
        BadMatcher: it is not `name op value`, or its regular expression does not compile.
    """
    found = _MATCHER.match(text)
    if not found:
        raise BadMatcher(f'bad matcher format: {text!r} (expected name="value", with =, !=, =~ or !~)')
    name, op, value = found.groups()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if op in ("=", "!="):
        return Matcher(name, op, value, (lambda other: other == value) if op == "=" else (lambda other: other != value))
    if len(value) > _MAX_PATTERN:
        raise BadMatcher(f"bad matcher: the regular expression for {name} is longer than {_MAX_PATTERN} characters")
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise BadMatcher(f"bad matcher: the regular expression for {name} does not compile: {error}") from None
    wanted = op == "=~"
    return Matcher(name, op, value, lambda other: bool(pattern.fullmatch(other)) is wanted)
