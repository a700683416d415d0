from __future__ import annotations

from django.urls import path

from bonanca.response.web import pages

app_name = "response"

urlpatterns = [
    path("incidents/<int:number>/contain/", pages.containment, name="contain"),
    path("containments/<uuid:containment_id>/lift/", pages.lift, name="lift"),
    path("changes/<int:number>/deploy/", pages.deploy, name="deploy"),
    path("changes/<int:number>/rollback/", pages.rollback, name="rollback"),
    path("recovery/<uuid:plan_id>/", pages.plan, name="plan"),
    path("recovery/<uuid:plan_id>/approve/", pages.approve, name="approve"),
    path("recovery/<uuid:plan_id>/withdraw/", pages.withdraw, name="withdraw"),
    path("recovery/<uuid:plan_id>/undo/", pages.undo, name="undo"),
]
