"""Look at every page: `python -m tests.browser.screens --url URL --login URL --out screens/ [--page NAME=PATH]…`.

Each page is drawn twice: 390 px light in Portuguese, and 1440 px dark in English. Without --page the pages are found by
following the navigation and the first links of each kind; the forms, a refusal and what anonymous visitors see (login,
status) are looked at as well. The exit code is 1 when a page did not load, complained in
its console, or is wider than its window.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import BrowserContext, Page

from tests.browser.support import Trouble, chromium, new_context, sideways_overflow

VIEWS = (("390-light-pt-BR", True, False, "pt-BR"), ("1440-dark-en", False, True, "en"))
# Of many pages of one kind (`/incidents/42/`) one is looked at.
VARIABLE = re.compile(r"/(?:[0-9a-f-]{36}|\d+|INC-\d+)(?=/|$)")
MOST_PAGES = 60
# Reached by no link, or only while something burns.
ALSO = (("error-404", "/incidents/999999/"), ("incidents-item-contain", "/incidents/1/contain/"))
ANONYMOUS = (("login", "/login/"), ("status", "/status/"))


@dataclass(frozen=True)
class Target:
    """A page to look at: the file's name and the address, relative to the base."""

    name: str
    path: str


def target_name(path: str) -> str:
    """Return a file name for an address: '/incidents/42/' → 'incidents-item'."""
    plain = VARIABLE.sub("/item", urlsplit(path).path).strip("/")
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "overview"


def discover(page: Page, base: str) -> list[Target]:
    """Return one page of each kind that can be reached from the overview by links."""
    found: dict[str, Target] = {}
    queue = ["/"]
    while queue and len(found) < MOST_PAGES:
        path = queue.pop(0)
        name = target_name(path)
        if name in found:
            continue
        asked = page.request.get(urljoin(base, path))
        if asked.status != 200 or "text/html" not in asked.headers.get("content-type", ""):
            continue
        page.goto(urljoin(base, path))
        # An address that leads on to another page is that page.
        name, path = target_name(page.url), urlsplit(page.url).path
        if name in found:
            continue
        found[name] = Target(name, path)
        links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        host = urlsplit(base).netloc
        queue += [
            urlsplit(link).path
            for link in links
            if urlsplit(link).netloc == host and not urlsplit(link).path.startswith(("/api/", "/static/", "/login"))
        ]
    return list(found.values())


def shoot(context: BrowserContext, targets: list[Target], base: str, folder: Path, trouble: Trouble) -> None:
    """Draw every page into the folder, whole."""
    page = context.new_page()
    trouble.watch(page)
    for target in targets:
        answer = page.goto(urljoin(base, target.path), wait_until="load")
        if answer is None or answer.status >= 500:
            trouble.lines.append(f"{target.path}: {answer.status if answer else 'no answer'}")
            continue
        wider = sideways_overflow(page)
        if wider > 0:
            trouble.lines.append(f"{target.path}: {wider} px wider than its window ({folder.name})")
        if target.name != "styleguide" and page.locator("[data-panel-error]").count():
            trouble.lines.append(f"{target.path}: a panel could not be loaded")
        page.evaluate("window.scrollTo(0, 0)")
        # As high as the page: what stays at the window's edge is then at the page's, not across its middle.
        window = page.viewport_size or {"width": 1440, "height": 900}
        height = int(page.evaluate("document.documentElement.scrollHeight"))
        page.set_viewport_size({"width": window["width"], "height": max(height, window["height"])})
        page.screenshot(path=folder / f"{target.name}.png", full_page=True)
        page.set_viewport_size({"width": window["width"], "height": window["height"]})


def sign_in(context: BrowserContext, login: str | None, locale: str, base: str) -> None:
    """Open the one-time login and choose the language of this view."""
    page = context.new_page()
    if login:
        page.goto(login)
        # A one-time link asks for one press, so that a mail scanner's visit does not use it up.
        button = page.locator("main form[method=post] button").first
        if button.count():
            button.click()
            page.wait_for_load_state("load")
    page.goto(base)
    choice = page.locator(f"form button[name=language][value='{locale.lower()}']")
    if choice.count():
        page.locator("details.menu > summary").first.click()
        choice.first.click()
        page.wait_for_load_state("load")
    page.close()


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="base address of the running product")
    parser.add_argument("--state", type=Path, help="BONANCA_HOME of a running demo: its address is in demo.json")
    parser.add_argument("--login", action="append", default=[], help="one-time login address; one for each view")
    parser.add_argument("--out", type=Path, default=Path("screens"))
    parser.add_argument("--page", action="append", default=[], metavar="NAME=PATH")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Draw the pages of a running product; return 1 when any of them is in trouble."""
    given = arguments(argv)
    url, logins = given.url, list(given.login)
    if given.state:
        known = json.loads((given.state / "demo.json").read_text(encoding="utf-8"))
        url = url or known["url"]
        logins = logins or list(known.get("logins", []))
    if not url:
        print("screens: give --url, or --state of a running demo", file=sys.stderr)
        return 2
    targets = [Target(*page.split("=", 1)) for page in given.page]
    trouble = Trouble()
    with chromium() as browser:
        for number, (view, phone, dark, locale) in enumerate(VIEWS):
            folder = given.out / view
            folder.mkdir(parents=True, exist_ok=True)
            context = new_context(browser, phone=phone, dark=dark, locale=locale)
            sign_in(context, logins[number] if number < len(logins) else None, locale, url)
            if not targets:
                found = discover(context.new_page(), url)
                names = {target.name for target in found}
                targets = [*found, *(Target(*one) for one in ALSO if one[0] not in names)]
            shoot(context, targets, url, folder, trouble)
            context.close()
            visitor = new_context(browser, phone=phone, dark=dark, locale=locale)
            shoot(visitor, [Target(*one) for one in ANONYMOUS], url, folder, trouble)
            visitor.close()
    for line in dict.fromkeys(trouble.lines):
        print(f"screens: {line}", file=sys.stderr)
    print(f"{len(targets) + len(ANONYMOUS)} pages in {given.out}")
    return 1 if trouble.lines else 0


if __name__ == "__main__":
    sys.exit(main())
