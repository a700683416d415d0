"""A person's own language, time zone and theme."""

from __future__ import annotations

from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from bonanca.access.actors import Actor
from bonanca.access.checks import checked_locale
from bonanca.access.operations.update_profile import update_profile
from bonanca.access.permissions import Permission
from bonanca.access.queries import get_person
from bonanca.access.state import Role
from bonanca.access.web.guard import actor_of, page, public
from bonanca.access.web.login import safe_next
from bonanca.access.web.preferences import remember
from bonanca.kernel.clock import utc_now

THEME_CHOICES = [
    ("auto", gettext_lazy("As the system")),
    ("light", gettext_lazy("Light")),
    ("dark", gettext_lazy("Dark")),
]


def _zones() -> list[tuple[str, str]]:
    places = (name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right")))
    return [(name, name.replace("_", " ")) for name in sorted([*places, "UTC"])]


class ProfileForm(forms.Form):
    locale = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=_zones,
        help_text=gettext_lazy("Every time is shown in this zone. Records keep UTC."),
    )
    theme = forms.ChoiceField(label=gettext_lazy("Theme"), choices=THEME_CHOICES)


@page(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Show and change one's own preferences."""
    person = get_person(actor.identity)
    shown = {"person": person, "role": Role(person.role).label, "teams": ", ".join(person.teams) or "—"}
    if request.method != "POST":
        initial = {"locale": person.locale, "time_zone": person.time_zone, "theme": person.theme}
        return render(request, "access/profile.html", {"form": ProfileForm(initial=initial), **shown})
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return render(request, "access/profile.html", {"form": form, **shown}, status=422)
    saved = update_profile(actor=actor, now=utc_now(), **form.cleaned_data)
    with translation.override(saved.locale):
        # In the language just chosen: the next page is shown in it.
        messages.success(request, _("Your preferences are saved."))
    return remember(HttpResponseRedirect(reverse("access:profile")), locale=saved.locale, theme=saved.theme)


@public
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Switch the language of this browser, and of the person when somebody is signed in."""
    locale = checked_locale(request.POST.get("language", ""))
    actor = actor_of(request)
    if actor is not None:
        update_profile(actor=actor, now=utc_now(), locale=locale)
    return remember(HttpResponseRedirect(safe_next(request)), locale=locale)
