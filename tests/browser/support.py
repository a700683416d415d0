"""Debian's Chromium under playwright, as the test machine has it: no download, no calls home."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright

CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}


def chromium_path() -> str:
    """Return the browser's path.

    Raises:
        RuntimeError: there is none, with what to install.
    """
    for name in (os.environ.get("BONANCA_CHROMIUM", ""), "/usr/bin/chromium", "chromium", "chromium-browser"):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise RuntimeError("no Chromium: install it with `apt-get install chromium`, or set BONANCA_CHROMIUM to its path")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run one browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Trouble:
    """What a page complained about while it was looked at: scripts, the content policy, answers of 500."""

    lines: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.lines.append(f"{page.url}: {error}"))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # A refused page is an answer like another: only what breaks a page counts.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.lines.append(f"{message.location.get('url', '')}: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.lines.append(f"{response.url}: {response.status}")


def new_context(browser: Browser, *, phone: bool, dark: bool, locale: str) -> BrowserContext:
    """Return a private browser window of the given kind."""
    return browser.new_context(
        viewport=PHONE if phone else DESK,  # type: ignore[arg-type]
        device_scale_factor=2 if phone else 1,
        has_touch=phone,
        color_scheme="dark" if dark else "light",
        locale=locale,
        timezone_id="America/Sao_Paulo",
        reduced_motion="reduce",
    )


def sideways_overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window; 0 is the only good answer."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
