from __future__ import annotations

from django.urls import path

from bonanca.delivery.web import pages

app_name = "delivery"

urlpatterns = [
    path("changes/", pages.index, name="changes"),
    path("changes/new/", pages.new, name="new"),
    path("changes/<int:number>/", pages.change, name="change"),
    path("changes/<int:number>/gates/", pages.gates, name="gates"),
    path("changes/by-id/<uuid:change_id>/", pages.by_id, name="by_id"),
]
