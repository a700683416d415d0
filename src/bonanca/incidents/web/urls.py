from __future__ import annotations

from django.urls import path

from bonanca.incidents.web import actions, pages

app_name = "incidents"

urlpatterns = [
    path("incidents/", pages.index, name="incidents"),
    path("incidents/new/", pages.new, name="new"),
    path("incidents/<int:number>/", pages.incident, name="incident"),
    path("incidents/<int:number>/do/<slug:verb>/", actions.act, name="act"),
]
