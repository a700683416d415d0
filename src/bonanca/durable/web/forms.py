"""Forms of the plans' page."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from bonanca.durable.operations.skip_step import REASON_LENGTH


class SkipForm(forms.Form):
    """Why a plan goes on without a step."""

    reason = forms.CharField(label=_("Reason"), max_length=REASON_LENGTH, widget=forms.Textarea({"rows": 2}))
