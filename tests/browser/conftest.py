"""A real browser for tests of pages. Its tests are slow by nature: one browser for all, a window for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.support import Trouble, chromium, new_context


@pytest.fixture(scope="session", autouse=True)
def _database_beside_playwright() -> Iterator[None]:
    """Playwright's synchronous API runs an event loop in this thread, which Django takes for an asynchronous caller."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def trouble() -> Trouble:
    """What pages complained about; the fixtures below fail the test when there is any."""
    return Trouble()


@pytest.fixture
def desk(browser: Browser, trouble: Trouble) -> Iterator[Page]:
    """A page on a wide screen, English, dark."""
    yield from _page(browser, trouble, phone=False, dark=True, locale="en")


@pytest.fixture
def phone(browser: Browser, trouble: Trouble) -> Iterator[Page]:
    """A page on a phone, Portuguese, light."""
    yield from _page(browser, trouble, phone=True, dark=False, locale="pt-BR")


def _page(browser: Browser, trouble: Trouble, *, phone: bool, dark: bool, locale: str) -> Iterator[Page]:
    context = new_context(browser, phone=phone, dark=dark, locale=locale)
    page = context.new_page()
    trouble.watch(page)
    yield page
    context.close()
    assert trouble.lines == []
