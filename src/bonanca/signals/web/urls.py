"""Addresses of this room: its pages, and the door for Alertmanager's clients."""

from __future__ import annotations

from django.urls import path

from bonanca.signals.web import alertmanager, pages

app_name = "signals"
urlpatterns = [
    path("objectives/", pages.objectives, name="objectives"),
    path("api/v2/alerts", alertmanager.alerts, name="am_alerts"),
    path("api/v2/status", alertmanager.status, name="am_status"),
]
