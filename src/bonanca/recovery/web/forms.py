"""Forms of restores; what is allowed is decided by the operations."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.utils.translation import gettext_lazy as _

from bonanca.recovery.state import RestoreMode
from bonanca.recovery.views import BackupView
from bonanca.ui.formats import exact_text


class RestoreForm(forms.Form):
    """Which backup, and where to."""

    backup = forms.ChoiceField(label=_("Backup"))
    mode = forms.ChoiceField(
        label=_("Where to"), choices=RestoreMode.choices, initial=RestoreMode.BESIDE, widget=forms.RadioSelect
    )
    into = forms.CharField(
        label=_("Name of the new database"),
        max_length=63,
        required=False,
        help_text=_("Empty: a name is made. In the place of the running database it takes that one's name."),
    )

    def __init__(self, *args: object, backups: Sequence[BackupView], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        choices = [
            (str(one.id), f"{exact_text(one.snapshot_at or one.started_at)} · {one.state.label}") for one in backups
        ]
        self.fields["backup"].choices = choices  # type: ignore[attr-defined]


class OpenForm(forms.Form):
    """Why a kept database must be read."""

    reason = forms.CharField(max_length=500)


def _shown(backup: BackupView) -> str:
    return f"{exact_text(backup.snapshot_at or backup.started_at)} · {backup.state.label}"
