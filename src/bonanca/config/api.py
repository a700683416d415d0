"""`/api/v1`: every room's router under one OpenAPI document, one authentication, one error shape."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import ValidationError

from bonanca import __version__
from bonanca.access.tokens import api_auth
from bonanca.config.errors import api_error
from bonanca.config.rooms import ROOMS
from bonanca.kernel.errors import BonancaError, Invalid
from bonanca.kernel.plugins import load

api = NinjaAPI(title="Bonança", version=__version__, auth=api_auth, docs_url=None)

for _room in ROOMS:
    if (_module := load(f"{_room}.api")) is not None:
        api.add_router("", _module.router)


@api.exception_handler(BonancaError)
def _refused(request: HttpRequest, error: BonancaError) -> HttpResponse:
    return api_error(error)


@api.exception_handler(ValidationError)
def _malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {}
    where = ".".join(str(part) for part in first.get("loc", ()) if part not in ("body", "query", "path"))
    return api_error(Invalid(str(first.get("msg", "the request cannot be read")), field=where or None))
