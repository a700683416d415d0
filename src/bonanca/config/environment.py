"""The settings that an operator gives through the environment, read and checked in one place."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from bonanca.kernel.errors import Invalid, Unavailable
from bonanca.kernel.home import bonanca_home

_TORN = (
    "DATABASE_URL cannot be read: is its port a number, and are characters of the password such as / @ : # "
    "written by their percent codes?"
)


@dataclass(frozen=True)
class DatabaseAddress:
    """Where our own PostgreSQL is."""

    host: str
    port: int
    user: str
    password: str
    name: str

    def url(self) -> str:
        """Return it as a URL that libpq and SQLAlchemy read."""
        secret = f":{quote(self.password, safe='')}" if self.password else ""
        return f"postgresql://{quote(self.user, safe='')}{secret}@{self.host}:{self.port}/{quote(self.name, safe='')}"


def database_address() -> DatabaseAddress:
    """Return DATABASE_URL taken apart, or else the embedded server of BONANCA_HOME.

    Raises:
        Invalid: DATABASE_URL is not a PostgreSQL URL with a host over TCP.
        Unavailable: there is neither.
    """
    declared = os.environ.get("DATABASE_URL")
    if declared:
        return parse_database_url(declared)
    home = bonanca_home() / "postgres"
    try:
        port = int((home / "port").read_text().strip())
        password = (home / "password").read_text().strip()
    except (OSError, ValueError):
        raise Unavailable(
            f"there is no database: DATABASE_URL is not set and {home} holds no embedded server.",
            hint="Start one with `bonanca up`, or set DATABASE_URL.",
        ) from None
    return DatabaseAddress("127.0.0.1", port, "postgres", password, "bonanca")


def parse_database_url(url: str) -> DatabaseAddress:
    """Take `postgresql://user:password@host:port/name` apart.

    Raises:
        Invalid: it is something else; the password is not repeated in the message.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        # What Python says of it repeats what it took for a port: that may be the beginning of a password.
        raise Invalid(_TORN, field="DATABASE_URL") from None
    if parts.scheme not in ("postgres", "postgresql"):
        raise Invalid(
            f"DATABASE_URL must begin with postgresql:// (got {parts.scheme or 'no scheme'}://): "
            "PostgreSQL is the only database that Bonança runs on.",
            field="DATABASE_URL",
        )
    name = unquote(parts.path.lstrip("/"))
    if "@" in parts.path:
        raise Invalid(_TORN, field="DATABASE_URL")
    if not parts.hostname or not name:
        raise Invalid("DATABASE_URL must name a host and a database: postgresql://user:password@host:5432/bonanca")
    return DatabaseAddress(
        parts.hostname, port, unquote(parts.username or "postgres"), unquote(parts.password or ""), name
    )


def secret_key() -> str:
    """Return BONANCA_SECRET_KEY, or the key that this home keeps (made at the first start, mode 0600)."""
    declared = os.environ.get("BONANCA_SECRET_KEY")
    if declared:
        return declared
    path = bonanca_home() / "secret-key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return _make_secret(path)


def _make_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = secrets.token_urlsafe(48)
    # Written aside and linked into place, so that two processes that start together agree on one key.
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.touch(mode=0o600)
    aside.write_text(fresh)
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
    return path.read_text().strip()


def allowed_hosts() -> list[str]:
    """Return BONANCA_HOSTS (comma separated) beside the loopback names."""
    declared = [h.strip() for h in os.environ.get("BONANCA_HOSTS", "").split(",") if h.strip()]
    return ["127.0.0.1", "localhost", "[::1]", *declared]


def public_url() -> str:
    """Return the address under which people reach us, without a trailing slash.

    BONANCA_PUBLIC_URL, else the address that the running instance of this home has, else the usual port.
    """
    declared = os.environ.get("BONANCA_PUBLIC_URL")
    if declared:
        return declared.rstrip("/")
    try:
        return str(json.loads((bonanca_home() / "run" / "state.json").read_text())["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return "http://127.0.0.1:8000"


def flag(name: str, *, default: bool = False) -> bool:
    """Read a yes/no variable.

    Raises:
        Invalid: it is neither.
    """
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise Invalid(f"{name} must be yes or no (got {value!r})", field=name)


def listed(name: str) -> tuple[str, ...]:
    """Return a comma-separated setting as its parts; () when it is not set."""
    return tuple(part.strip() for part in os.environ.get(name, "").split(",") if part.strip())


def above_zero(name: str, default: float) -> float:
    """Return a setting that is a number of hours or days.

    Raises:
        Invalid: it is not a number above 0 and at most 8784 (the hours of a year).
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 24 * 366:
        raise Invalid(f"{name} must be a number above 0, at most 8784 (got {text!r}).", field=name)
    return value


def file_path(name: str) -> Path | None:
    """Return a setting that names a file, absolute; None when it is not set."""
    text = os.environ.get(name, "").strip()
    return Path(text).expanduser().absolute() if text else None
