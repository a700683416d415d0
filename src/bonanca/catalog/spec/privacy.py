"""What a return of data brings back that must not come back, and how it is taken away again (requirement D7, LGPD)."""

from dataclasses import dataclass

# What a comparison is about; the words that people read beside its name.
COMPARED = ("tokens", "passwords", "permissions", "other")
# When people are asked: when something comes back, or before every return.
ASKED = ("findings", "always")


@dataclass(frozen=True)
class ErasureSpec:
    """People who were erased (LGPD art. 18, VI) and stay so after every return of older data.

    `find` answers how many rows still tell of the person `%(reference)s`; `sql` are the statements that erase;
    `command` is the service's own program (references as JSON lines on standard input). `query` lists reference and
    time of those whom the service itself has erased. With `forget_after_days` the register forgets who was erased
    longer ago, once nothing older is kept.
    """

    find: str
    sql: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    query: str = ""
    forget_after_days: float | None = None


@dataclass(frozen=True)
class ComparisonSpec:
    """A query that lists what is in force, key first; what differs after a return is shown.

    `after` is a statement with `%(key)s`, said in the returned data for every key that came back or has an older value.
    """

    name: str
    kind: str
    sql: str
    after: str = ""


@dataclass(frozen=True)
class StatementSpec:
    """A statement that is said in the returned data before anybody uses it."""

    name: str
    sql: str


@dataclass(frozen=True)
class PrivacySpec:
    """What is looked at before data or functions return. With `four_eyes` every point needs two people."""

    erasures: ErasureSpec | None = None
    compare: tuple[ComparisonSpec, ...] = ()
    after_restore: tuple[StatementSpec, ...] = ()
    ask: str = "findings"
    four_eyes: bool = False
