"""Forms of restores; what is allowed is decided by the operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bonanca.recovery.state import RestoreMode, RestorePart
from bonanca.recovery.views import BackupView
from bonanca.ui.formats import exact_text

TARGETS = [
    ("backup", _("the backup's own moment")),
    ("time", _("a time")),
    ("point", _("a named point")),
    ("lsn", _("a position of the log (LSN)")),
    ("latest", _("the end of the archived log")),
]


class RestoreForm(forms.Form):
    """Which backup, and where to."""

    backup = forms.ChoiceField(label=_("Backup"))
    target = forms.ChoiceField(label=_("Back to"), choices=TARGETS, initial="backup", required=False)
    value = forms.CharField(
        label=_("Which time, point or position"),
        max_length=200,
        required=False,
        help_text=_("A time with its zone, such as 2026-03-12T14:30:00-03:00; a point's name; an LSN."),
    )
    mode = forms.ChoiceField(
        label=_("Where to"), choices=RestoreMode.choices, initial=RestoreMode.BESIDE, widget=forms.RadioSelect
    )
    part = forms.ChoiceField(
        label=_("What comes back"), choices=RestorePart.choices, initial=RestorePart.DATABASE, widget=forms.RadioSelect
    )
    folder = forms.CharField(
        label=_("Folder for the files"),
        max_length=2000,
        required=False,
        help_text=_("Absolute, and not there yet. Empty: one is made beside the first path."),
    )
    into = forms.CharField(
        label=_("Name of the new database"),
        max_length=63,
        required=False,
        help_text=_("Empty: a name is made. In the place of the running database it takes that one's name."),
    )

    def __init__(
        self,
        *args: Any,
        backups: Sequence[BackupView],
        with_log: bool = False,
        database: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if not with_log:
            # A dump goes back to its own moment and no other.
            del self.fields["target"], self.fields["value"]
        if not any(one.files for one in backups):
            del self.fields["part"], self.fields["folder"]
        elif not database:
            del self.fields["part"], self.fields["into"]
        choices = [(str(one.id), _shown(one)) for one in backups]
        if with_log:
            choices.insert(0, ("", gettext("the newest one before it")))
            self.fields["backup"].required = False
        backup = self.fields["backup"]
        assert isinstance(backup, forms.ChoiceField)  # as declared above
        backup.choices = choices


class OpenForm(forms.Form):
    """Why a kept database must be read."""

    reason = forms.CharField(max_length=500)


def _shown(backup: BackupView) -> str:
    return f"{exact_text(backup.snapshot_at or backup.started_at)} · {backup.state.label}"
