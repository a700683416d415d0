"""What can be refused. Each interface maps these once: HTTP status, CLI exit code, page."""

from __future__ import annotations

from typing import ClassVar


class BonancaError(Exception):
    """A refusal that a person can read and act upon.

    `message` says what was wrong and where, `hint` what to do next, `field` which input it concerns.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = str(message)
        self.field = field
        self.hint = str(hint) if hint is not None else None

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class NotFound(BonancaError):
    """There is nothing of that name that the caller may see."""

    code = "not_found"


class NotAllowed(BonancaError):
    """The caller may not do this."""

    code = "not_allowed"


class Conflict(BonancaError):
    """The state has moved on: somebody else was first, or the transition does not exist."""

    code = "conflict"


class Invalid(BonancaError):
    """The input cannot be accepted; `field` names the part."""

    code = "invalid"


class Unavailable(BonancaError):
    """Something this needs does not answer at present; trying again later may work."""

    code = "unavailable"


HTTP_STATUS: dict[str, int] = {
    NotFound.code: 404,
    NotAllowed.code: 403,
    Conflict.code: 409,
    Invalid.code: 422,
    Unavailable.code: 503,
    BonancaError.code: 400,
}

EXIT_CODE: dict[str, int] = {
    BonancaError.code: 1,
    Invalid.code: 2,
    NotFound.code: 3,
    NotAllowed.code: 4,
    Conflict.code: 5,
    Unavailable.code: 6,
}
