"""Pages of what follows an incident."""

from __future__ import annotations

from django.urls import path

from bonanca.aftercare.web import reexecution_pages, watch_pages

app_name = "aftercare"

urlpatterns = [
    path("watches/", watch_pages.index, name="watches"),
    path("watches/<uuid:watch_id>/", watch_pages.watch, name="watch"),
    path("watches/<uuid:watch_id>/end/", watch_pages.end, name="end_watch"),
    path("reexecutions/", reexecution_pages.index, name="reexecutions"),
    path("reexecutions/<uuid:reexecution_id>/", reexecution_pages.reexecution, name="reexecution"),
    path("reexecutions/<uuid:reexecution_id>/report.csv", reexecution_pages.report, name="report"),
    path("reexecutions/<uuid:reexecution_id>/<slug:verb>/", reexecution_pages.act, name="act"),
]
