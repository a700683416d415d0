"""The styleguide renders whole: every component, in both languages, with nothing that the policy would block."""

from __future__ import annotations

import re

import pytest
from django.test import Client, override_settings

pytestmark = pytest.mark.urls("bonanca.ui.web.urls")


def test_it_does_not_exist_for_visitors(db: None) -> None:
    with override_settings(DEBUG=False):
        assert Client().get("/styleguide/", HTTP_ACCEPT_LANGUAGE="en").status_code == 404


@pytest.mark.parametrize("language", ["pt-br", "en"])
def test_every_component_renders_without_anything_inline(language: str, db: None) -> None:
    with override_settings(DEBUG=True):
        response = Client().get("/styleguide/", HTTP_ACCEPT_LANGUAGE=language)
    html = response.content.decode()
    assert response.status_code == 200
    assert " style=" not in html
    assert "<style" not in html
    assert "could not be drawn" not in html
    assert not re.search(r"<[a-z][^>]*\son[a-z]+=", html)
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_the_live_fragment_is_the_partial_of_the_same_page(db: None) -> None:
    with override_settings(DEBUG=True):
        response = Client().get("/styleguide/", headers={"HX-Request": "true", "HX-Target": "clock"})
    assert re.fullmatch(r'\s*<p class="figure"><time.*</time></p>\s*', response.content.decode(), re.DOTALL)
    assert "HX-Target" in response["Vary"]
