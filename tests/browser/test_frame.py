"""The frame of every page in a real browser, with the styleguide as its content."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.support import Trouble, sideways_overflow

DARK, LIGHT = "rgb(14, 17, 21)", "rgb(246, 247, 248)"


@pytest.fixture
def styleguide(live_server: LiveServer, settings: object) -> str:
    settings.DEBUG = True  # type: ignore[attr-defined]
    return f"{live_server.url}/styleguide/"


def test_the_page_obeys_the_content_policy_and_fits_a_small_phone(phone: Page, styleguide: str) -> None:
    phone.set_viewport_size({"width": 320, "height": 640})
    answer = phone.goto(styleguide)
    assert answer is not None
    assert "style-src 'self'" in answer.headers["content-security-policy"]
    assert sideways_overflow(phone) == 0
    expect(phone.locator("html")).to_have_attribute("lang", "pt-br")


def test_a_live_part_moves_on_and_leaves_the_focus_where_it_is(desk: Page, styleguide: str) -> None:
    desk.goto(styleguide)
    desk.locator("#id_note").fill("half a sentence")
    before = desk.evaluate("scrollY")
    first = desk.locator("#clock time").inner_text()
    expect(desk.locator("#clock time")).not_to_have_text(first, timeout=10_000)
    expect(desk.locator("#id_note")).to_be_focused()
    assert desk.evaluate("scrollY") == before


def test_a_lost_connection_is_said(desk: Page, styleguide: str, trouble: Trouble) -> None:
    desk.goto(styleguide)
    expect(desk.locator("#stale")).to_be_hidden()
    desk.route("**/styleguide/", lambda route: route.abort())
    expect(desk.locator("#stale")).to_be_visible(timeout=10_000)
    desk.unroute("**/styleguide/")
    expect(desk.locator("#stale")).to_be_hidden(timeout=10_000)
    trouble.lines[:] = [line for line in trouble.lines if "htmx:" not in line]  # htmx tells its console as well


def test_the_chosen_theme_stays(desk: Page, styleguide: str) -> None:
    desk.goto(styleguide)
    page = desk.locator("html")
    expect(page).to_have_css("background-color", DARK)
    desk.locator("details.menu > summary").click()
    desk.locator("[data-theme-choice=light]").click()
    expect(page).to_have_css("background-color", LIGHT)
    desk.reload()
    expect(page).to_have_css("background-color", LIGHT)
    expect(page).to_have_attribute("data-theme", "light")


def test_the_keyboard_reaches_everything(desk: Page, styleguide: str) -> None:
    desk.goto(styleguide)
    expect(desk.locator("[data-error-summary]")).to_be_focused()
    desk.locator("h1").click()
    desk.keyboard.press("/")
    expect(desk.locator("#jump")).to_be_visible()
    desk.locator("#jump-text").fill("bonan")
    expect(desk.locator("#jump-list a").first).to_have_text("Bonança")
    desk.keyboard.press("Escape")
    expect(desk.locator("#jump")).to_be_hidden()


def test_every_field_and_image_has_a_name(desk: Page, styleguide: str) -> None:
    desk.goto(styleguide)
    nameless = desk.evaluate(
        """[...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, [role=img], summary, a")]
            .filter(e => !(e.labels && e.labels.length) && !e.getAttribute("aria-label") && !e.textContent.trim())
            .map(e => e.outerHTML)"""
    )
    assert nameless == []
