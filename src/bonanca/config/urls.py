"""Every address: the API, then each room's pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from bonanca.config.api import api
from bonanca.config.rooms import ROOMS
from bonanca.kernel.plugins import load

urlpatterns: list[URLPattern | URLResolver] = [path("api/v1/", api.urls)]

for _room in ROOMS:
    if load(f"{_room}.web.urls") is not None:
        urlpatterns.append(path("", include(f"{_room}.web.urls")))

handler400 = "bonanca.access.web.bad_request"
handler403 = "bonanca.access.web.forbidden"
handler404 = "bonanca.access.web.not_found"
handler500 = "bonanca.access.web.server_error"
