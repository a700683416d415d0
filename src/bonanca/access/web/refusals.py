"""The pages that say no."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from bonanca.kernel.errors import BonancaError, NotAllowed, NotFound


def _refuse(request: HttpRequest, error: BonancaError, status: int) -> HttpResponse:
    return render(request, "ui/refused.html", {"error": error}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _refuse(request, BonancaError(_("The request cannot be read.")), 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _refuse(request, NotAllowed(_("You may not do this.")), 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _refuse(request, NotFound(_("There is no page at this address.")), 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _refuse(request, BonancaError(_("Something broke on our side. It has been recorded.")), 500)
