from __future__ import annotations

from django.urls import path

from bonanca.reviews.web import overview

app_name = "reviews"

urlpatterns = [path("", overview.overview, name="overview")]
