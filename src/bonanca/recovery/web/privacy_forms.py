"""The form that records an erasure; what is allowed is decided by the operation."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from bonanca.recovery.operations.record_erasure import REASON_LENGTH, REFERENCE_LENGTH


class ErasureForm(forms.Form):
    """Who was erased, as the service's statements know them, and why."""

    reference = forms.CharField(
        label=_("Reference to the person"),
        max_length=REFERENCE_LENGTH,
        help_text=_(
            "What the service's statements need, such as the customer's number. Stored encrypted, never shown."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    reason = forms.CharField(
        label=_("Why"), max_length=REASON_LENGTH, help_text=_("Such as the number of the request. It is shown.")
    )
