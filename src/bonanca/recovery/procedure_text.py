"""The procedure as Markdown: what lies beside the backups, and is read when nothing else is there."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.utils.translation import gettext as _

from bonanca.recovery.views.procedure import Procedure, ProcedureStep, SourceOfData
from bonanca.ui.formats import bytes_text, duration_text, exact_text
from bonanca.ui.phrases import render


def markdown(found: Procedure) -> str:
    """The whole document, in the active language and zone."""
    return "\n".join(_lines(found)).rstrip() + "\n"


def warning_words(text: str) -> str:
    """A warning for the reader; some carry facts."""
    if text.startswith("{"):
        data = json.loads(text)
        return render(data["text"], data["facts"])
    return _(text)


def _lines(found: Procedure) -> Iterator[str]:
    yield "# " + _("Resume everything")
    yield ""
    yield _("Made by Bonança on %(at)s, from the catalog and the newest good backups. It holds no secrets.") % {
        "at": exact_text(found.made_at)
    }
    yield _("Measured restore time of all steps together: %(time)s.") % {"time": duration_text(found.expected_s)}
    if found.unmeasured:
        yield _("Restores that were never measured: %(count)s.") % {"count": found.unmeasured}
    yield ""
    yield _("You need:")
    yield "- " + _(
        "a machine with Bonança installed (the same version or a newer one), and PostgreSQL for the services;"
    )
    yield "- " + _("the private keys named below: they are not beside the backups, by intention;")
    yield "- " + _("the addresses and passwords of the databases (the `dsn_file` of each service).")
    for warning in found.warnings:
        yield ""
        yield _("**Mind:** %(warning)s") % {"warning": warning_words(warning)}
    for step in found.steps:
        yield ""
        yield from _step_lines(step)


def _step_lines(step: ProcedureStep) -> Iterator[str]:
    yield f"## {step.number}. {step.words}"
    for warning in step.warnings:
        yield ""
        yield _("**Mind:** %(warning)s") % {"warning": warning_words(warning)}
    if step.restorable:
        yield ""
        yield (
            _("Expected: %(time)s (measured by the last drill).") % {"time": duration_text(step.expected_s)}
            if step.expected_s is not None
            else _("Expected: never measured.")
        )
    if step.source is not None:
        yield ""
        yield from _source_lines(step.source)
    if step.commands:
        yield ""
        yield "```sh"
        yield from step.commands
        yield "```"
    if step.checks:
        yield ""
        yield _("Then check:")
        yield ""
        yield "```"
        yield from step.checks
        yield "```"


def _source_lines(source: SourceOfData) -> Iterator[str]:
    yield "- " + _("taken: %(at)s, %(size)s, %(rows)s rows") % {
        "at": exact_text(source.taken_at),
        "size": bytes_text(source.size_bytes),
        "rows": source.rows,
    }
    yield "- SHA-256: `" + source.sha256 + "`"
    for place in source.places:
        yield "- " + _("lies in: %(place)s") % {"place": f"`{place}/{source.object_name}`"}
    if source.identity_file is not None:
        yield "- " + _("private key: %(file)s") % {"file": f"`{source.identity_file}`"}
    for recipient in source.recipients:
        yield "- " + _("sealed for: %(key)s") % {"key": f"`{recipient}`"}
