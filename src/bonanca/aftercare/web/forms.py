"""Forms of these pages; what is allowed is decided by the operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bonanca.catalog.spec import HOURS_MOST


class WatchForm(forms.Form):
    """Which service, and for how long."""

    service = forms.ChoiceField(label=_("Service"))
    hours = forms.FloatField(
        label=_("For how many hours"), required=False, max_value=HOURS_MOST, help_text=_("Empty: as the service says.")
    )

    def __init__(self, *args: Any, services: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["service"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(services)


class PeriodForm(forms.Form):
    """Of which service, and what time: an incident's, or from when to when."""

    service = forms.ChoiceField(label=_("Service"))
    incident = forms.IntegerField(
        label=_("Number of the incident"),
        required=False,
        min_value=1,
        help_text=_("Its time is looked at, unless another one is given."),
    )
    since = forms.DateTimeField(label=_("From"), required=False, help_text=_("Such as 2026-03-12 14:30, in your zone."))
    until = forms.DateTimeField(label=_("To"), required=False)

    def __init__(self, *args: Any, services: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["service"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(services)


class LimitsForm(forms.Form):
    """How fast, and when to stop."""

    rate_per_s = forms.FloatField(label=_("At most so many a second"), min_value=0.001)
    stop_percent = forms.FloatField(
        label=_("Stop when more percent of the last ones fail"), min_value=0.001, max_value=100
    )
