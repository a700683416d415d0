"""Pages of contingencies."""

from __future__ import annotations

from django.urls import path

from bonanca.risks.web import pages

app_name = "risks"

urlpatterns = [
    path("contingencies/", pages.index, name="contingencies"),
    path("contingencies/uses/<uuid:use_id>/", pages.use, name="use"),
    path("contingencies/uses/<uuid:use_id>/steps/<int:number>/", pages.tick, name="tick"),
    path("contingencies/uses/<uuid:use_id>/end/", pages.end, name="end"),
    path("contingencies/<slug:service>/<slug:slug>/", pages.contingency, name="contingency"),
    path("contingencies/<slug:service>/<slug:slug>/start/", pages.start, name="start"),
]
