"""Run the demo from an empty folder to an empty process table."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from bonanca.cli.demo.ground import Ground, private
from bonanca.cli.demo.mailbox import Mailbox
from bonanca.cli.demo.outcome import CheckFailed, Outcome
from bonanca.cli.demo.product import Product
from bonanca.cli.demo.shoppers import Shoppers
from bonanca.cli.demo.show import Show
from bonanca.cli.demo.storm import Storm, whole
from bonanca.kernel.errors import BonancaError, Conflict

INTERRUPTED = 130


def run_demo(*, report: Path | None, home: Path | None, stay: bool | None, rate: float) -> int:
    """Play the storm; return 0 when every check held, 1 when one did not, 130 after Ctrl-C.

    Raises:
        Conflict: a demo runs in this folder already.
    """
    # The demo is its own operator: settings meant for another instance do not reach it.
    folder = (home or Path(os.environ.get("BONANCA_HOME") or ".bonanca-demo")).absolute()
    wants_stay = sys.stdout.isatty() if stay is None else stay
    show = Show()
    try:
        with alone(folder), _terminable(), ExitStack() as stack:
            storm = _set_up(folder, show, stack)
            held = _play(storm, rate, report)
            if wants_stay and held is not None:
                _stay(storm)
            return 0 if held else 1
    except KeyboardInterrupt:
        show.console.print("\ninterrupted: everything that was started has been ended")
        return INTERRUPTED


def _set_up(folder: Path, show: Show, stack: ExitStack) -> Storm:
    show.console.print(f"[bold]Bonança demo[/bold] in {folder}")
    ground = Ground(folder)
    stack.callback(ground.stop)
    ground.clear()
    mailbox = Mailbox()
    mailbox.start()
    stack.callback(mailbox.stop)
    ground.build()
    show.fact("a shop with its repository, its own PostgreSQL server and its bonanca.yaml")
    product = Product(ground.product, smtp_port=mailbox.port)
    stack.callback(product.stop)
    shoppers = Shoppers(ground.examples / "load.py", ground.shop, ground.account)
    stack.callback(shoppers.stop)
    product.start()
    show.fact(f"Bonança is up at {product.url}")
    return Storm(ground, product, mailbox, shoppers, show)


def _play(storm: Storm, rate: float, report: Path | None) -> bool | None:
    try:
        with storm.show.running():
            whole(storm, rate)
    except (CheckFailed, BonancaError) as failure:
        storm.check("the_storm_was_played_to_its_end", False)
        storm.show.console.print(f"\n[red]{failure}[/red]", markup=True)
        storm.show.console.print(f"The product's log: {storm.product.log}\n{storm.product.tail()}", markup=False)
    storm.show.table(storm.outcome)
    _where_to_look(storm, report, storm.outcome)
    return storm.outcome.passed


def _where_to_look(storm: Storm, report: Path | None, outcome: Outcome) -> None:
    if report is not None:
        outcome.write(report)
    outcome.write(storm.ground.home / "outcome.json")
    storm.show.console.print(f"Everything is kept in {storm.ground.home}: outcome.json, the post-mortem, every log.")


def _login_link(storm: Storm) -> str:
    answer = json.loads(storm.product.command("login-link", "ana@loja.example", "--minutes", "60", "--json"))
    return str(answer["url"])


def _stay(storm: Storm) -> None:
    # For whoever wants to look with a browser of their own: `make screens`.
    place = storm.ground.home / "demo.json"
    private(place, json.dumps({"url": storm.product.url, "logins": [_login_link(storm), _login_link(storm)]}))
    link = _login_link(storm)
    console = storm.show.console
    console.print(f"\nLook around at [bold]{storm.product.url}[/bold]. Sign in once as Ana: {link}")
    console.print(f"The public status page: {storm.product.url}/status/   The shop: {storm.entry}")
    console.print(f"On a terminal: BONANCA_HOME={storm.product.home} bonanca service list", soft_wrap=True)
    console.print("Ctrl-C ends it.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        # The storm was played to its end: what it showed is the outcome, however long somebody looked around.
        console.print("\nending")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the demo's folder; the kernel lets go of it however the process ends.

    Raises:
        Conflict: another demo holds it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = folder.with_name(f"{folder.name}.lock")
    with place.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"A demo runs in {folder} already.", hint="Stop it, or give another --home.") from None
        try:
            yield
        finally:
            place.unlink(missing_ok=True)


@contextmanager
def _terminable() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C, so that both end in order."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
