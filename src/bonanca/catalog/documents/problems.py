"""What is wrong with a catalog's documents: every problem at once, each with its file and line."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from bonanca.kernel.errors import Invalid

# More would scroll the first ones away, and the first ones usually cause the rest.
MAX_SHOWN = 50


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to correct; reads `file:line: what is wrong (got X): what was expected`."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class CatalogInvalid(Invalid):
    """The documents cannot be accepted. `problems` has every reason, in file and line order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        shown = [str(problem) for problem in problems[:MAX_SHOWN]]
        if len(problems) > MAX_SHOWN:
            shown.append(_("… and %(count)d more") % {"count": len(problems) - MAX_SHOWN})
        super().__init__("\n".join(shown), field="catalog")


@dataclass
class Problems:
    """Collects problems while reading goes on, so that one run tells all of them."""

    found: list[Problem] = field(default_factory=list)

    def add(self, file: str, line: int, wrong: str, expected: str = "") -> None:
        """Note what is wrong at file:line and, where it helps, what was expected instead."""
        self.found.append(Problem(file, line, f"{wrong}: {expected}" if expected else wrong))

    def raise_if_any(self) -> None:
        """
        Raises:
            CatalogInvalid: at least one problem was noted.
        """
        if self.found:
            raise CatalogInvalid(tuple(sorted(set(self.found))))
