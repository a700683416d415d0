"""`/api/v1`: every room's router under one OpenAPI document, one authentication, one error shape."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja.errors import HttpError, ValidationError
from ninja.responses import Response

from bonanca import __version__
from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import api_auth, caller
from bonanca.config.errors import UNSTORABLE, api_error, refusal_of
from bonanca.config.openapi import DescribedAPI
from bonanca.config.rooms import ROOMS
from bonanca.kernel.errors import BonancaError, Invalid
from bonanca.kernel.plugins import load

api = DescribedAPI(title="Bonança", version=__version__, auth=api_auth, docs_url=None, openapi_url=None)

for _room in ROOMS:
    if (_module := load(f"{_room}.api")) is not None:
        api.add_router("", _module.router)


@api.get("openapi.json", include_in_schema=False)
def description(request: HttpRequest) -> HttpResponse:
    """The API describes itself to whoever may use it, and to nobody else."""
    require(caller(request), Permission.READ)
    return Response(api.get_openapi_schema())


@api.exception_handler(BonancaError)
def _refused(request: HttpRequest, error: BonancaError) -> HttpResponse:
    return api_error(error)


def _unstorable(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    refused = refusal_of(error) if isinstance(error, Exception) else None
    assert refused is not None  # it is registered for nothing else
    return api_error(refused)


for _kind in UNSTORABLE:
    api.add_exception_handler(_kind, _unstorable)


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 401:
        # `access` gives it words and the header.
        return HttpResponse(status=401)
    return api_error(Invalid(str(error)), status=error.status_code)


@api.exception_handler(ValidationError)
def _malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {}
    where = ".".join(str(part) for part in first.get("loc", ()) if part not in ("body", "query", "path"))
    return api_error(Invalid(str(first.get("msg", "the request cannot be read")), field=where or None))
