from __future__ import annotations

from django.urls import path

from bonanca.comms.web import views

app_name = "comms"

urlpatterns = [
    path("status/", views.status, name="status"),
    path("incidents/<int:number>/updates/", views.publish, name="publish"),
    path("status/api/v2/summary.json", views.summary, name="summary"),
]
