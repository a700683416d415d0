"""Pages of what is declared."""

from __future__ import annotations

from django.urls import path

from bonanca.catalog.web import service_pages

app_name = "catalog"

urlpatterns = [
    path("services/", service_pages.index, name="services"),
    path("services/<slug:slug>/", service_pages.service, name="service"),
]
