"""A panel is another room's part of a page: absent, refused or broken, it never takes the page with it."""

from __future__ import annotations

import pytest
from django.template import RequestContext, Template
from django.test import RequestFactory

from bonanca.kernel.errors import NotAllowed
from bonanca.ui import panels


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "_PANELS", {})


def show(source: str) -> str:
    return Template("{% load ui %}" + source).render(RequestContext(RequestFactory().get("/"), {"slug": "loja"}))


def test_a_panel_renders_with_its_arguments() -> None:
    @panels.panel("demo:hello")
    def hello(ctx: panels.PanelContext, *, service: str) -> panels.PanelContent:
        return "ui/components/empty.html", {"title": service}

    assert '<p class="empty__title">loja</p>' in show('{% panel "demo:hello" service=slug %}')


def test_an_unknown_panel_is_nothing() -> None:
    assert show('{% panel "nobody:home" %}') == ""


def test_a_panel_with_nothing_to_show_is_nothing() -> None:
    panels.panel("demo:none")(lambda ctx: None)
    assert show('{% panel "demo:none" %}') == ""


def test_a_panel_that_the_person_may_not_see_is_nothing() -> None:
    @panels.panel("demo:secret")
    def secret(ctx: panels.PanelContext) -> panels.PanelContent:
        raise NotAllowed("no")

    assert show('{% panel "demo:secret" %}') == ""


def test_a_broken_panel_costs_its_own_card_only() -> None:
    @panels.panel("demo:broken")
    def broken(ctx: panels.PanelContext) -> panels.PanelContent:
        raise KeyError("x")

    html = show('before {% panel "demo:broken" %} after')
    assert 'data-panel-error="demo:broken"' in html
    assert html.startswith("before")
    assert html.endswith("after")


def test_two_panels_of_one_name_are_refused() -> None:
    @panels.panel("demo:one")
    def first(ctx: panels.PanelContext) -> None:
        return None

    with pytest.raises(ValueError, match="already registered"):

        @panels.panel("demo:one")
        def second(ctx: panels.PanelContext) -> None:
            return None


def test_a_panel_without_a_room_is_refused() -> None:
    with pytest.raises(ValueError, match="room:name"):
        panels.panel("budget")
