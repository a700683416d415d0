"""The styleguide: every component in every state, for whoever builds or reviews a page."""

from __future__ import annotations

from django.urls import path

from bonanca.ui.web.styleguide import styleguide

app_name = "ui"

urlpatterns = [path("styleguide/", styleguide, name="styleguide")]
