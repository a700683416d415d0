"""What a service's program may see of our environment: names that are listed here, never our keys or addresses."""

from __future__ import annotations

import os

_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


def inherited() -> dict[str, str]:
    """Return the part of our environment that every program of a service is started with."""
    return {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("LC_")}
