"""One storm as a person lives it, in a real browser, on a real product with a real shop behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from bonanca.cli.demo.person import wait_for
from tests.browser.stage import Stage
from tests.browser.support import Trouble, new_context, sideways_overflow

SOON, LATER = 15_000, 60_000


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    built = Stage(tmp_path_factory.mktemp("storm") / "home")
    try:
        built.begin()
        built.break_it()
        yield built
    finally:
        built.close()


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    context = new_context(browser, phone=False, dark=True, locale="en")
    trouble = Trouble()
    opened = context.new_page()
    trouble.watch(opened)
    yield opened
    context.close()
    assert trouble.lines == []


def test_two_people_walk_through_the_storm(browser: Browser, page: Page, stage: Stage) -> None:
    url = stage.product.url
    sign_in(page, stage)
    contain_checkout(page, url)
    assert checkout(stage).status_code == 503
    ask_for_a_rollback(browser, stage)
    roll_back(page)
    version = httpx.get(f"{stage.product.gateway_entry()}/version", timeout=10).json()["version"]
    assert version.startswith("1.")
    resolve(page, url)
    read_the_postmortem(page)
    small_screen(page, url)


def sign_in(page: Page, stage: Stage, email: str = "ana@loja.example") -> None:
    page.goto(stage.login_link(email))
    page.get_by_role("button").filter(has_text=re.compile("Entrar agora|Sign in now")).click()
    page.locator("details.menu > summary").first.click()
    page.locator("button[name=language][value=en]").click()
    page.goto(stage.product.url)
    page.locator("a.headline").click()
    expect(page.locator("h1")).to_be_visible()


def contain_checkout(page: Page, url: str) -> None:
    page.locator(".do-buttons").get_by_role("button", name="I am on it").click()
    expect(page.locator("#head")).to_contain_text("acknowledged")
    expect(page.locator("#suspected")).to_contain_text("Semana do Cliente", timeout=SOON)
    page.locator(".do-buttons").get_by_role("link", name="Contain…").click()
    page.get_by_role("button", name="Contain at the gateway").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()  # the reason is missing, and so is the path
    page.get_by_label("Path").fill("/checkout")
    page.get_by_label("Why").fill("Checkouts fail since v2")
    page.get_by_role("button", name="Contain at the gateway").click()
    expect(page).to_have_url(f"{url}/incidents/1/")
    expect(page.locator("#done")).to_contain_text("/checkout is taken out")
    expect(page.locator("#head")).to_contain_text("contained", timeout=SOON)


def checkout(stage: Stage) -> httpx.Response:
    entry = stage.product.gateway_entry()

    def polite() -> httpx.Response | None:
        answer = httpx.post(f"{entry}/checkout", json={}, timeout=10)
        return answer if "retry-after" in answer.headers else None

    return wait_for("the polite page", polite, timeout_s=10)


def ask_for_a_rollback(browser: Browser, stage: Stage) -> None:
    """Beto, of the same team, asks for it on his phone: with rows at risk he cannot do it alone."""
    context = new_context(browser, phone=True, dark=False, locale="en")
    trouble, page = Trouble(), context.new_page()
    trouble.watch(page)
    sign_in(page, stage, "beto@loja.example")
    page.locator("button:visible", has_text="Roll back v2…").first.click()
    expect(page.get_by_role("heading", name="Is a rollback called for?")).to_be_visible()
    expect(page.locator("body")).to_contain_text("Two people have to agree, since rows are at risk")
    assert sideways_overflow(page) == 0
    page.goto(f"{stage.product.url}/changes/2/rollback/?strategy=keep_data")
    expect(page.get_by_role("heading", name="What becomes of the data")).to_be_visible()
    assert sideways_overflow(page) == 0
    context.close()
    assert trouble.lines == []


def roll_back(page: Page) -> None:
    page.get_by_role("link", name=re.compile("back to before v2")).first.click(timeout=SOON)
    expect(page.get_by_role("heading", name="Rows at risk")).to_be_visible()
    expect(page.locator("pre.diff").first).to_contain_text("loyalty")
    assert page.locator("[data-step]").count() > 5
    page.get_by_role("button", name=re.compile("^Approve: ")).click()
    expect(page.locator("[data-step=preflight]")).to_have_attribute("data-state", "done", timeout=LATER)
    expect(page.locator("#head")).to_contain_text("done", timeout=LATER)
    expect(page.locator("[data-state=failed]")).to_have_count(0)
    expect(page.get_by_role("button", name="Preview the undo")).to_be_visible(timeout=SOON)
    expect(page.get_by_role("heading", name="Rows set aside")).to_be_visible(timeout=SOON)
    page.get_by_role("link", name="Back to INC-1").click()


def resolve(page: Page, url: str) -> None:
    expect(page.locator("#head")).to_contain_text("mitigated", timeout=SOON)
    page.get_by_text("Resolve", exact=True).click()
    page.get_by_label("How do you know that it is over?").fill("Verified, and quiet since")
    page.get_by_role("button", name="Resolve the incident").click()
    expect(page.locator("#head")).to_contain_text("resolved")
    expect(page.locator("#entries")).to_contain_text("Resolved: Verified, and quiet since")
    expect(page.locator("#told")).to_contain_text("It is over", timeout=SOON)


def read_the_postmortem(page: Page) -> None:
    page.get_by_role("link", name="Read the post-mortem").click(timeout=SOON)
    expect(page.locator(".document")).to_contain_text("Executive summary")
    expect(page.locator(".document")).to_contain_text("Suspected change: CHG-2")


def small_screen(page: Page, url: str) -> None:
    """No page of the storm is wider than a small phone; the public one says that all is well."""
    page.set_viewport_size({"width": 320, "height": 640})
    for path in ("/", "/incidents/", "/incidents/1/", "/changes/", "/changes/2/", "/postmortems/1/", "/status/"):
        page.goto(url + path)
        assert sideways_overflow(page) == 0, path
    expect(page.locator("h1")).to_contain_text("Everything works")


def test_the_public_page_is_small_and_needs_no_script(browser: Browser, stage: Stage) -> None:
    context = browser.new_context(java_script_enabled=False, locale="pt-BR", viewport={"width": 320, "height": 640})
    page = context.new_page()
    wire = context.new_cdp_session(page)
    received: list[float] = []
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(f"{stage.product.url}/status/", wait_until="networkidle")
    assert received
    assert sum(received) <= 30_000
    text = page.inner_text("body")
    assert "Compras" in text
    for internal in ("loja-api", "SEV", "rollback", "budget", "INC-"):
        assert internal not in text
    assert Path(page.pdf(path=str(stage.ground.home / "status.pdf")) and stage.ground.home / "status.pdf").exists()
    context.close()
