"""The door: sign in by password or by a link that works once, and out."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from bonanca.access.models import User
from bonanca.access.operations.sign_in import TooManyAttempts, WrongCredentials, sign_in
from bonanca.access.operations.use_login_link import use_login_link
from bonanca.access.web.guard import public
from bonanca.access.web.preferences import remember
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import NotFound

BACKEND = "django.contrib.auth.backends.ModelBackend"


class LoginForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


def safe_next(request: HttpRequest) -> str:
    """Return where to go after signing in: the `next` of the request if it is a page of ours, else the overview."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    secure = request.is_secure()
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=secure):
        return wanted
    return str(settings.LOGIN_REDIRECT_URL)


@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def login_page(request: HttpRequest) -> HttpResponse:
    """Ask for e-mail and password; who is signed in already goes on."""
    if request.method != "POST":
        if request.user.is_authenticated:
            return HttpResponseRedirect(safe_next(request))
        return _login_form(request, LoginForm(), 200)
    form = LoginForm(request.POST)
    if not form.is_valid():
        return _login_form(request, form, 422)
    address = request.META.get("REMOTE_ADDR", "")
    try:
        user = sign_in(
            email=form.cleaned_data["email"], password=form.cleaned_data["password"], address=address, now=utc_now()
        )
    except TooManyAttempts as refused:
        form.add_error(None, refused.message)
        response = _login_form(request, form, 429)
        response.headers["Retry-After"] = str(refused.retry_after_s)
        return response
    except WrongCredentials as refused:
        form.add_error(None, refused.message)
        return _login_form(request, form, 422)
    return _enter(request, user)


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login_once(request: HttpRequest, secret: str) -> HttpResponse:
    """Sign in by a link. Opening it only shows a button: programs that look into mail must not use it up."""
    if request.method != "POST":
        return render(request, "access/login_once.html", {"next": safe_next(request)})
    try:
        user = use_login_link(secret=secret, now=utc_now())
    except NotFound as refused:
        return render(request, "access/login_once.html", {"refused": refused}, status=404)
    return _enter(request, user)


@public
@require_POST
def logout_now(request: HttpRequest) -> HttpResponse:
    """End the session; only by POST, so that no picture of another site can."""
    logout(request)
    return HttpResponseRedirect(str(settings.LOGIN_URL))


def _login_form(request: HttpRequest, form: LoginForm, status: int) -> HttpResponse:
    context = {"form": form, "next": safe_next(request), "title": _("Sign in")}
    return render(request, "access/login.html", context, status=status)


def _enter(request: HttpRequest, user: User) -> HttpResponse:
    target = safe_next(request)
    # Gives the session a new key: one that somebody planted before is worth nothing.
    login(request, user, backend=BACKEND)
    return remember(HttpResponseRedirect(target), locale=user.locale, theme=user.theme)
