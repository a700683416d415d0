"""Alertmanager API v2 as a wire format: read what clients post, write what they expect to read.

Pure: no database, no clock. Source: the API definition (prometheus/alertmanager, api/v2/openapi.yaml) and what
Prometheus and amtool send. Unknown keys are tolerated; anything malformed is refused with the index and the field.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bonanca.signals.labels import LABEL_NAME

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_ALERTS = 1000
MAX_LABELS = 128
MAX_TEXT = 16 * 1024
RESOLVE_TIMEOUT = timedelta(minutes=5)
"""An alert posted without an end and not repeated for this long is over (Alertmanager's default resolve_timeout)."""

_YEAR_ONE = 1
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z")


class Malformed(ValueError):
    """Input that cannot be accepted; the message names the place: `alerts[3].labels.service: …`."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class TooLarge(Malformed):
    """Input beyond a limit of this door."""


@dataclass(frozen=True)
class PostedAlert:
    """One alert as posted: labels without the empty ones; times aware, UTC; `ends_at` None while it is firing."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str = ""


def parse_alerts(body: bytes) -> list[PostedAlert]:
    """Read the body of `POST /api/v2/alerts`.

    Raises:
        TooLarge: more bytes, alerts, labels or text than this door takes.
        Malformed: not JSON, not a list, or a field of the wrong type or value.
    """
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge("body", f"{len(body)} bytes, at most {MAX_BODY_BYTES} are accepted: send fewer alerts at a time")
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("body", f"not valid JSON: {error}") from None
    if not isinstance(document, list):
        raise Malformed("body", f"expected a list of alerts, got {_kind(document)}")
    if len(document) > MAX_ALERTS:
        raise TooLarge("body", f"{len(document)} alerts, at most {MAX_ALERTS} are accepted at a time")
    return [_alert(item, f"alerts[{index}]") for index, item in enumerate(document)]


def _alert(item: Any, where: str) -> PostedAlert:
    if not isinstance(item, dict):
        raise Malformed(where, f"expected an object, got {_kind(item)}")
    labels = _label_set(item.get("labels"), f"{where}.labels", check_names=True)
    labels = {name: value for name, value in labels.items() if value}
    if not labels:
        raise Malformed(f"{where}.labels", "at least one label with a value is needed")
    starts_at = _time(item.get("startsAt"), f"{where}.startsAt")
    ends_at = _time(item.get("endsAt"), f"{where}.endsAt")
    if starts_at and ends_at and ends_at < starts_at:
        raise Malformed(f"{where}.endsAt", "it is before startsAt")
    url = item.get("generatorURL") or ""
    if not isinstance(url, str) or len(url) > MAX_TEXT:
        raise Malformed(f"{where}.generatorURL", f"expected a string of at most {MAX_TEXT} characters")
    _no_nul(url, f"{where}.generatorURL")
    annotations = _label_set(item.get("annotations") or {}, f"{where}.annotations", check_names=False)
    return PostedAlert(labels, annotations, starts_at, ends_at, url)


def _label_set(value: Any, where: str, *, check_names: bool) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Malformed(where, f"expected an object of strings, got {_kind(value)}")
    if len(value) > MAX_LABELS:
        raise TooLarge(where, f"{len(value)} entries, at most {MAX_LABELS} are accepted")
    for name, text in value.items():
        place = f"{where}.{name[:80]}"
        if check_names and not LABEL_NAME.match(name):
            raise Malformed(place, "a label name has letters, digits and _ only and does not begin with a digit")
        if not isinstance(text, str):
            raise Malformed(place, f"expected a string, got {_kind(text)}")
        if len(text) > MAX_TEXT or len(name) > MAX_TEXT:
            raise TooLarge(place, f"{len(text)} characters, at most {MAX_TEXT} are accepted")
        _no_nul(name + text, place)
    return value


def _no_nul(text: str, where: str) -> None:
    # PostgreSQL cannot store it, neither as text nor as jsonb.
    if "\x00" in text:
        raise Malformed(where, "the character NUL is not accepted")


def _time(value: Any, where: str) -> datetime | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _RFC3339.match(value):
        raise Malformed(
            where, f"expected an RFC 3339 time with a zone, such as 2026-03-01T12:00:00Z (got {value!r:.60})"
        )
    try:
        moment = datetime.fromisoformat(_microseconds(value.upper()))
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        # Year 1 in a zone east of Greenwich cannot be told in UTC; it still means "not set".
        if value.startswith("0001-"):
            return None
        raise Malformed(where, f"not a time: {error}") from None
    # Go's zero time means "not set".
    return None if moment.year == _YEAR_ONE else moment


def _microseconds(text: str) -> str:
    # Go writes nanoseconds; datetime knows microseconds.
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def rfc3339(moment: datetime) -> str:
    """A time as the API writes it: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def gettable(
    *,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    fingerprint: str,
    starts_at: datetime,
    updated_at: datetime,
    ends_at: datetime,
    generator_url: str,
) -> dict[str, Any]:
    """One alert as `GET /api/v2/alerts` answers it."""
    return {
        "annotations": dict(annotations),
        "endsAt": rfc3339(ends_at),
        "fingerprint": fingerprint,
        "receivers": [{"name": "bonanca"}],
        "startsAt": rfc3339(starts_at),
        "status": {"inhibitedBy": [], "mutedBy": [], "silencedBy": [], "state": "active"},
        "updatedAt": rfc3339(updated_at),
        "generatorURL": generator_url,
        "labels": dict(labels),
    }


def status(*, version: str, started_at: datetime, config: str) -> dict[str, Any]:
    """What `GET /api/v2/status` answers."""
    return {
        "cluster": {"status": "disabled", "peers": []},
        "config": {"original": config},
        "uptime": rfc3339(started_at),
        "versionInfo": {
            "branch": "",
            "buildDate": "",
            "buildUser": "",
            "goVersion": "",
            "revision": "",
            "version": f"bonanca {version}",
        },
    }
