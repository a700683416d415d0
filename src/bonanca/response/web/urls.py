from __future__ import annotations

from django.urls import path

from bonanca.response.web import approval_links, containments, deployments, plans, replicas, rollbacks

app_name = "response"

urlpatterns = [
    path("incidents/<int:number>/contain/", containments.containment, name="contain"),
    path("containments/<uuid:containment_id>/lift/", containments.lift, name="lift"),
    path("changes/<int:number>/deploy/", deployments.deploy, name="deploy"),
    path("changes/<int:number>/deployment/", deployments.preview, name="deployment"),
    path("changes/<int:number>/rollback/", rollbacks.rollback, name="rollback"),
    path("services/<slug:slug>/operate/", replicas.operate, name="operate"),
    path("services/<slug:slug>/traffic/", replicas.traffic, name="traffic"),
    path("recovery/approve/<str:token>/", approval_links.approve, name="approve_link"),
    path("recovery/<uuid:plan_id>/", plans.plan, name="plan"),
    path("recovery/<uuid:plan_id>/approve/", plans.approve, name="approve"),
    path("recovery/<uuid:plan_id>/criteria/", plans.answer, name="answer"),
    path("recovery/<uuid:plan_id>/withdraw/", plans.withdraw, name="withdraw"),
    path("recovery/<uuid:plan_id>/undo/", rollbacks.undo, name="undo"),
]
