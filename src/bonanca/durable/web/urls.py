"""Addresses of this room's pages."""

from __future__ import annotations

from django.urls import path

from bonanca.durable.web import pages

app_name = "durable"
urlpatterns = [
    path("plans/", pages.plans, name="plans"),
    path("plans/<uuid:run_id>/", pages.plan, name="plan"),
    path("plans/<uuid:run_id>/skip/", pages.skip, name="skip"),
    path("plans/<uuid:run_id>/<str:verb>/", pages.act, name="act"),
]
