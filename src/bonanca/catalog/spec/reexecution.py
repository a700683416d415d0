"""What failed can be listed and run again: where a service keeps it, and how one of it is done once more."""

from dataclasses import dataclass

METHODS = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class HttpAgain:
    """A request with an `Idempotency-Key`; `path` may hold {key} and, of a log's line, {path}.

    `base` is where it is sent (default: the service's first replica); an answer of `already` means that it was done.
    """

    path: str = "{path}"
    method: str = ""
    base: str = ""
    already: tuple[int, ...] = ()
    timeout_s: float = 15.0


@dataclass(frozen=True)
class AgainSpec:
    """How one is done again; exactly one is given.

    `sql` has the bound parameters %(key)s and %(payload)s; `command` gets the payload on stdin and may hold {key};
    `replay`: all are given to the service's declared `replay` at once.
    """

    http: HttpAgain | None = None
    sql: str | None = None
    command: tuple[str, ...] = ()
    replay: bool = False
    timeout_s: float = 60.0


@dataclass(frozen=True)
class LogSource:
    """An access log of JSON lines; the rest names its fields. Failed is a status of `failed` or above."""

    file: str
    key: str = "request_id"
    at: str = "time"
    status: str = "status"
    method: str = "method"
    path: str = "path"
    body: str = "body"
    failed: int = 500
    methods: tuple[str, ...] = METHODS
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceSpec:
    """Where failed work is listed; exactly one of `sql`, `log` and `command` is given.

    `sql` has the parameters %(since)s and %(until)s and returns key and payload, and if it likes at and label;
    `command` may hold {since} and {until} and prints the same as JSON lines.
    """

    name: str
    again: AgainSpec
    sql: str | None = None
    log: LogSource | None = None
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReexecutionSpec:
    """At most `rate_per_s` a second; it stops when more than `stop_percent` of the last ones failed."""

    sources: tuple[SourceSpec, ...] = ()
    rate_per_s: float = 10.0
    stop_percent: float = 20.0
    keep_payloads_h: float = 720.0
