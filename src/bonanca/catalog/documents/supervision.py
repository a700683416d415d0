"""Read `run.restart`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import RestartSpec

_DAY_S = 24 * 3600


def read_restart(reader: Reader) -> RestartSpec:
    """The policy; every part has a default, so `restart: {}` turns the health check's restarts on."""
    usual = RestartSpec()
    found = RestartSpec(
        max=reader.integer("max", usual.max, minimum=0, maximum=1000),
        window_s=reader.number("window_s", usual.window_s, above=True, maximum=_DAY_S),
        backoff_s=reader.number("backoff_s", usual.backoff_s, above=True, maximum=3600),
        backoff_max_s=reader.number("backoff_max_s", usual.backoff_max_s, above=True, maximum=3600),
        failures=reader.integer("failures", usual.failures, minimum=0, maximum=100),
        check_every_s=reader.number("check_every_s", usual.check_every_s, minimum=1, maximum=3600),
        check_timeout_s=reader.number("check_timeout_s", usual.check_timeout_s, above=True, maximum=60),
    )
    if (paused_s := _pauses_s(found)) > found.window_s:
        # The oldest restart would leave the window before the limit is reached: it would never give up.
        reader.wrong(
            reader.node,
            _("%(what)s: the pauses before %(max)d restarts take %(paused)g s, longer than window_s (%(window)g s)")
            % {"what": reader.what, "max": found.max, "paused": paused_s, "window": found.window_s},
            _("a longer window_s, a lower max or shorter pauses"),
        )
    return found


def _pauses_s(spec: RestartSpec) -> float:
    return sum(min(spec.backoff_max_s, spec.backoff_s * 2.0 ** min(n, 30)) for n in range(spec.max))
