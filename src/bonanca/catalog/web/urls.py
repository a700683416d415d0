"""Pages of what is declared."""

from __future__ import annotations

from django.urls import path

from bonanca.catalog.web import services

app_name = "catalog"

urlpatterns = [
    path("services/", services.index, name="services"),
    path("services/<slug:slug>/", services.service, name="service"),
]
