"""How a service goes back: what a rollback plan does with its work, its data and its people."""

from dataclasses import dataclass, field

from bonanca.catalog.spec.running import Scalar, VerifySpec

# What becomes of the data. Which of them can be carried out here is known to the room that compiles the plans.
STRATEGIES = ("instant", "keep_data", "point_in_time", "logical")
# How the data before a change is pinned: by a copy while writes wait, by a copy while they go on, or by the log alone.
PINS = ("copy", "snapshot", "log")
# Who has to agree: two people where rows are at risk, always two, or one commander.
APPROVALS = ("at_risk", "always", "one")
# Who can be told by a word; anything else is an e-mail address.
AUDIENCES = ("on_call", "team", "dependents")


@dataclass(frozen=True)
class WatchSpec:
    """The closer look after a rollback: for how long, and how many percent of requests may fail meanwhile."""

    seconds: float = 15.0
    tolerated_percent: float = 1.0


@dataclass(frozen=True)
class Question:
    """A reading query at the service's database, and the answer that means that all is well."""

    sql: str
    equals: Scalar = None
    at_least: float | None = None


@dataclass(frozen=True)
class CriteriaSpec:
    """When a rollback is called for: thresholds of the measured rules, and how many rules have to speak for it.

    `failed_percent` and `failed_requests` weigh what users met, `budget_percent` the error budget that it cost,
    `severity` is the least severity of an incident that counts, `business` asks for the business result,
    `history_days` is how far back similar problems are looked for. With `automatic` a rollback starts by itself when
    the criteria call it critical and no row is at risk.
    """

    failed_percent: float = 5.0
    failed_requests: int = 100
    budget_percent: float = 10.0
    severity: str = "high"
    history_days: float = 90.0
    needed: int = 2
    business: Question | None = None
    automatic: bool = False


@dataclass(frozen=True)
class RollbackSpec:
    """The declared way back of a service.

    `pause` and `resume` are the service's own commands that hold and go on with background work; `drain_s` is what a
    replica may take to finish its requests; `verify` adds checks to those of the service; `kept_for_h` is how many
    hours the pinned state before a change is kept; `pin` is how its data are; `ready_copy`: a second copy of the newest
    pin lies ready, so that going back copies nothing.
    """

    strategy: str = "instant"
    announce: tuple[str, ...] = ("on_call", "team")
    pause: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    drain_s: float = 10.0
    verify: tuple[VerifySpec, ...] = ()
    watch: WatchSpec = field(default_factory=WatchSpec)
    kept_for_h: float = 168.0
    criteria: CriteriaSpec = field(default_factory=CriteriaSpec)
    approval: str = "at_risk"
    pin: str = "copy"
    ready_copy: bool = False
