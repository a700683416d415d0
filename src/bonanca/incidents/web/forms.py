"""Forms of the incident pages. What is allowed is decided by the operations; these only shape the input."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bonanca.incidents.state import Severity


class OpenForm(forms.Form):
    """Ten seconds: what, where, how bad."""

    title = forms.CharField(label=_("What is wrong?"), max_length=200, help_text=_("In the words of who suffers it."))
    service = forms.ChoiceField(label=_("Service"))
    severity = forms.ChoiceField(
        label=_("Severity"), choices=Severity.choices, initial=Severity.HIGH, widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, services: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["service"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = services


class NoteForm(forms.Form):
    text = forms.CharField(label=_("Note"), max_length=8000, widget=forms.Textarea(attrs={"rows": 2}))
