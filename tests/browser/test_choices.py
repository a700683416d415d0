"""What belongs to one choice of a form is shown when that choice is made, without any script."""

from __future__ import annotations

from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from bonanca.access.actors import SYSTEM
from bonanca.access.models import User
from bonanca.catalog.operations.apply_catalog import apply_catalog
from bonanca.catalog.spec import Catalog, GatewaySpec, RouteSpec, ServiceView, TeamSpec
from bonanca.incidents.operations.open_incident import open_incident
from tests.support.loja import NOW


def test_the_form_of_a_containment_asks_for_what_the_measure_needs(phone: Page, live_server: LiveServer) -> None:
    gateway = GatewaySpec("default", (RouteSpec("/"),))
    service = ServiceView(slug="loja-api", name="Loja", team_slug="loja", gateway=gateway)
    apply_catalog(Catalog((TeamSpec("loja", "Loja"),), (service,)), source="test", actor=SYSTEM("test"), now=NOW)
    opened = open_incident(title="Caiu", service="loja-api", severity="high", actor=SYSTEM("test"), now=NOW)
    visitor = Client()
    visitor.force_login(User.objects.create(email="ana@loja.example", name="Ana", role="commander"))
    session = visitor.cookies["sessionid"].value
    phone.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    phone.goto(f"{live_server.url}/incidents/{opened.number}/contain/")
    path, weights, breaker = (phone.locator(f"#id_{name}") for name in ("match", "weights", "threshold_percent"))
    shown = {
        "disable": (path,),
        "maintenance": (),
        "redirect": (),
        "weights": (weights,),
        "breaker": (path, breaker),
    }
    for measure, needed in shown.items():
        phone.locator(f"[name=action][value={measure}]").check()
        for field in (path, weights, breaker):
            expect(field).to_be_visible(visible=field in needed)
    # What was filled in before and is wrong for the measure that was chosen last is shown with its error.
    phone.locator("[name=action][value=disable]").check()
    path.fill("/checkout")
    phone.locator("[name=action][value=maintenance]").check()
    phone.locator("#id_reason").fill("caiu")
    phone.locator("button[type=submit]").last.click()
    expect(path).to_be_visible()
