from __future__ import annotations

from django.urls import path

from bonanca.postmortems.web import views

app_name = "postmortems"

urlpatterns = [
    path("postmortems/", views.index, name="postmortems"),
    path("postmortems/<int:number>/", views.document, name="postmortem"),
    path("postmortems/<int:number>/markdown/", views.download, name="download"),
]
