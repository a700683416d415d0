"""Times, durations and numbers as people read them, in the active language and time zone. Plain text, plain spaces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from babel.dates import format_datetime
from babel.numbers import format_decimal
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

MINUTE, HOUR, DAY = 60, 3600, 86_400
NOW_WITHIN_S = 5
RELATIVE_UP_TO_S = 30 * DAY


def babel_locale() -> str:
    """Return the active language as Babel names it."""
    return "pt_BR" if (get_language() or "pt-br").lower().startswith("pt") else "en"


def _coarse(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{int(seconds)} s"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min"
    if seconds < DAY:
        return f"{int(seconds // HOUR)} h"
    return f"{int(seconds // DAY)} d"


def moment_text(at: datetime, now: datetime) -> str:
    """Return 'há 4 min' / '4 min ago', 'em 26 min' / 'in 26 min', or the day when it is more than 30 days away."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < NOW_WITHIN_S:
        return _("now")
    if abs(seconds) >= RELATIVE_UP_TO_S:
        return day_text(at)
    amount = _coarse(abs(seconds))
    if seconds > 0:
        return _("%(amount)s ago") % {"amount": amount}
    return _("in %(amount)s") % {"amount": amount}


def zone_text(at: datetime) -> str:
    """Return the active zone's offset at that time: 'UTC−03:00'."""
    offset = timezone.localtime(at).utcoffset() or timedelta()
    minutes = int(offset.total_seconds() // 60)
    if minutes == 0:
        return "UTC"
    sign = "−" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def exact_text(at: datetime) -> str:
    """Return date, time to the second and zone: '12 mar. 2026, 14:36:27 UTC−03:00'."""
    local = timezone.localtime(at)
    return f"{format_datetime(local, 'd MMM y, HH:mm:ss', locale=babel_locale())} {zone_text(at)}"


def clock_text(at: datetime, *, seconds: bool = True) -> str:
    """Return the time of day in the active zone: '14:36:27'."""
    return timezone.localtime(at).strftime("%H:%M:%S" if seconds else "%H:%M")


def day_text(at: datetime) -> str:
    """Return the day in the active zone: '12 mar. 2026'."""
    return str(format_datetime(timezone.localtime(at), "d MMM y", locale=babel_locale()))


def iso_text(at: datetime) -> str:
    """Return the machine's form, UTC."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def duration_text(duration: float | timedelta) -> str:
    """Return seconds as '0,4 s', '12 s', '4 min 12 s', '3 h 05 min', '2 d 4 h'."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
    if seconds < 0:
        return f"−{duration_text(-seconds)}"
    if 0 < seconds < 10 and round(seconds, 1) != round(seconds):
        return f"{number_text(seconds, 1)} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def number_text(value: float, decimals: int = 0) -> str:
    """Return a number with the language's separators: '12.345,6' / '12,345.6'."""
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return str(format_decimal(value, format=pattern, locale=babel_locale()))


def percent_text(percent: float, decimals: int = 0) -> str:
    """Return a percentage given in percent (7.4 → '7,4 %'). What is not nothing is never shown as nothing."""
    smallest = 10**-decimals
    if 0 < percent < smallest / 2:
        return f"< {number_text(smallest, decimals)} %"
    return f"{number_text(percent, decimals)} %"


def bytes_text(count: int) -> str:
    """Return a size in powers of 1000: '1,2 MB'."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{number_text(size, 0 if unit == 'B' or size >= 100 else 1)} {unit}"
        size /= 1000
    return f"{number_text(size, 1)} TB"


def unbroken(text: str) -> str:
    """Return the text with no-break spaces, for the page: a number does not lose its unit at the end of a line."""
    return text.replace(" ", "\u00a0")


def who_text(label: str) -> str:
    """Return who acted, for people: `person:ana@loja.example` is ana@loja.example, our own workers are Bonança."""
    kind, colon, identity = label.partition(":")
    if not colon:
        return label
    return "Bonança" if kind == "system" else identity
