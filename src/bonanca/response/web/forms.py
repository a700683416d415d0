"""Forms of containment; what is allowed is decided by the operation."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from bonanca.response.state import ContainmentAction

MINUTES = [(10, _("10 minutes")), (30, _("30 minutes")), (60, _("1 hour")), (240, _("4 hours"))]


class ContainForm(forms.Form):
    """What to take out, for how long, and why."""

    action = forms.ChoiceField(
        label=_("Measure"),
        choices=ContainmentAction.choices,
        initial=ContainmentAction.DISABLE,
        widget=forms.RadioSelect,
    )
    match = forms.CharField(
        label=_("Path"),
        max_length=200,
        required=False,
        help_text=_("Such as /checkout. A circuit breaker without one is for the whole service."),
    )
    weights = forms.CharField(
        label=_("Weights"),
        max_length=300,
        required=False,
        help_text=_("Only to share requests out: replicas=90 standby=10, or ports such as 8001=3 8002=1."),
    )
    threshold_percent = forms.IntegerField(
        label=_("The breaker opens at, in %"),
        min_value=1,
        max_value=99,
        required=False,
        help_text=_("Only for a circuit breaker: of the answers of the last 10 seconds, how many failed. 50 if empty."),
    )
    minutes = forms.TypedChoiceField(label=_("Ends after"), choices=MINUTES, coerce=int, initial=30)
    reason = forms.CharField(label=_("Why"), max_length=500)
