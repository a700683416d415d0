"""A rewind that is killed anywhere leaves the old server its own settings, and a folder that no plan trusts.

PostgreSQL's programs are stood in for here; tests/promises has the real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from bonanca.actuators.files.tree_swap import ident
from bonanca.actuators.postgres import rejoining, replication
from bonanca.catalog.spec import ServerSpec, StandbySpec
from bonanca.durable import crashpoints
from bonanca.durable.commands import CommandFailed
from bonanca.durable.context import FenceToken, StepContext
from bonanca.durable.registry import handler
from bonanca.recovery import folders
from bonanca.recovery.operations.preview_rejoin import must_copy
from bonanca.recovery.rejoin_notes import rewind_of
from bonanca.recovery.steps import rejoin as rejoin_steps
from bonanca.recovery.tests.shop import Shop

PLACES = (
    "recovery.rejoin.stopped",
    "recovery.rejoin.rewinding",
    "postgres.rewind.replaced",
    "recovery.rejoin.copying",
    "postgres.copy_server.old_away",
    "recovery.rejoin.brought",
    "recovery.rejoin.started",
    "recovery.rejoin.forgotten",
)
OWN, OTHERS = "port = 1\n", "port = 2\n"


class Killed(BaseException):
    """As SIGKILL."""


class Old:
    """The old primary's folder, and the step that makes it a standby, killed or not."""

    def __init__(self, shop: Shop, data: Path) -> None:
        self.shop, self.data, self.rewinds = shop, data, 0
        self.broken = False
        self.run_id = uuid4()
        # Each place once, by the worker that comes there first.
        self.deadly: set[str] = set()

    def program(self, data: Path, _version: int, name: str, arguments: list[str], **_more: object) -> str:
        if name == "pg_controldata":
            return "Database system identifier: 7\nwal_log_hints setting: on\nData page checksum version: 0\n"
        if "--dry-run" in arguments:
            return "last common checkpoint at 0/1"
        folder = Path(arguments[0].partition("=")[2])
        if name == "pg_rewind":
            self.rewinds += 1
            (folder / "rewound").touch()
        (folder / "PG_VERSION").write_text("18\n")
        for settings in ("postgresql.conf", "postgresql.auto.conf"):
            (folder / settings).write_text(OTHERS)
        if name == "pg_rewind" and self.broken:
            raise CommandFailed("pg_rewind: error: it broke", returncode=1, stderr="", retryable=False)
        return ""

    def die(self, name: str) -> None:
        if name in self.deadly:
            self.deadly.remove(name)
            raise Killed

    def context(self, epoch: int) -> StepContext:
        return StepContext(
            run_id=self.run_id, step_key="rejoin", token=FenceToken(self.run_id, epoch),
            params={"service": self.shop.slug, "rewind": True, "data": str(self.data)}, context={}, receipts={},
            timeout_s=60.0, now=lambda: datetime.now(UTC), progress=lambda share, text: None,
            still_mine=lambda: None, remaining_s=lambda: 60.0,
        )  # fmt: skip

    def rejoined(self, *deadly: str, plan: UUID | None = None) -> tuple[dict[str, Any], int]:
        """Carry the step out, by as many workers as it takes; its receipt, and how many died."""
        self.run_id, self.deadly = plan or uuid4(), set(deadly)
        does = handler("recovery.rejoin")
        for epoch in range(1, 10):
            ctx = self.context(epoch)
            try:
                return does.check(ctx) or does.apply(ctx), epoch - 1
            except Killed:
                continue
        raise AssertionError("it never ends")

    def is_a_standby_with_its_own_settings(self) -> bool:
        written = (self.data / "postgresql.auto.conf").read_text()
        assert (self.data / "postgresql.conf").read_text() == OWN
        assert written.startswith(OWN)
        assert written.count("primary_conninfo") == 1
        return (self.data / "standby.signal").exists() and rewind_of(self.data) is None


@pytest.fixture
def old(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Old]:
    data = tmp_path / "pg" / "data"
    data.mkdir(parents=True, mode=0o700)
    (data / "PG_VERSION").write_text("18\n")
    for settings in ("postgresql.conf", "postgresql.auto.conf"):
        (data / settings).write_text(OWN)
    (tmp_path / "standby-dsn").write_text("postgresql://nobody@127.0.0.1:1/loja")
    servers = (ServerSpec(data, ("true",), ("true",)), ServerSpec(tmp_path / "new", ("true",), ("true",)))
    assert shop.service.database is not None
    shop.declare(
        database=replace(shop.service.database, standby=StandbySpec(tmp_path / "standby-dsn", servers=servers))
    )
    found = Old(shop, data)
    monkeypatch.setattr(rejoining, "_program", found.program)
    monkeypatch.setattr(replication, "data_folder", lambda dsn: str(tmp_path / "new"))
    monkeypatch.setattr(rejoin_steps, "COMMAND_S", 5.0)
    monkeypatch.setattr(replication, "has_log_since", lambda dsn, lsn: True)
    monkeypatch.setattr(crashpoints, "hook", found.die)
    yield found
    assert not list((folders.root() / "rejoined").glob("of-*"))


@pytest.mark.parametrize("place", PLACES)
def test_killed_anywhere_it_ends_as_a_standby_with_its_own_settings(old: Old, place: str) -> None:
    receipt, died = old.rejoined(*{place, "postgres.rewind.replaced"} if "cop" in place else {place})
    assert old.is_a_standby_with_its_own_settings()
    assert died == (2 if "cop" in place else 1)
    in_the_rewind = place not in (PLACES[0], *PLACES[-3:])
    assert receipt["method"] == ("copy" if in_the_rewind else "rewind")
    assert old.rewinds == (0 if place == "recovery.rejoin.rewinding" else 1)
    if in_the_rewind:
        assert Path(receipt["kept"], "rewound").exists() == bool(old.rewinds)


def test_a_rewind_that_failed_is_copied_with_the_settings_of_before(old: Old) -> None:
    old.broken = True
    receipt, _died = old.rejoined()
    assert "it broke" in receipt["why"]
    assert old.is_a_standby_with_its_own_settings()


def test_what_another_plan_left_in_the_middle_of_a_rewind_is_not_rewound_again(old: Old) -> None:
    old.run_id, old.deadly = uuid4(), {"postgres.rewind.replaced"}
    with pytest.raises(Killed):
        handler("recovery.rejoin").apply(old.context(1))
    assert old.shop.service.database is not None
    assert "never ended" in must_copy(old.shop.service, old.shop.service.database, rejoining.look_into(old.data))
    receipt, _died = old.rejoined()
    assert (receipt["method"], receipt["why"], old.rewinds) == ("copy", "interrupted", 1)
    assert old.is_a_standby_with_its_own_settings()


def test_a_plan_that_was_given_up_between_two_names_leaves_the_folder_where_it_was(old: Old) -> None:
    old.run_id, old.deadly = uuid4(), {"recovery.rejoin.rewinding"}
    does = handler("recovery.rejoin")
    for epoch, place in enumerate(("recovery.rejoin.rewinding", "postgres.copy_server.old_away"), start=1):
        old.deadly = {place}
        with pytest.raises(Killed):
            does.apply(old.context(epoch))
    assert not old.data.exists()
    undo = FenceToken(uuid4(), 1)
    receipt = does.check(replace(old.context(2), token=undo))
    assert receipt is not None
    for _again in range(2):
        assert does.undo(replace(old.context(2), run_id=undo.run_id, token=undo), receipt)
        assert (old.data / "PG_VERSION").exists()
    assert old.rejoined()[0]["method"] == "copy"
    assert old.is_a_standby_with_its_own_settings()


def test_a_folder_that_a_person_has_made_anew_is_not_the_one_that_was_left(old: Old) -> None:
    old.run_id, old.deadly = uuid4(), {"postgres.rewind.replaced"}
    with pytest.raises(Killed):
        handler("recovery.rejoin").apply(old.context(1))
    before = ident(old.data)
    old.data.rename(old.data.with_name("away"))
    old.data.mkdir(mode=0o700)
    (old.data / "PG_VERSION").write_text("18\n")
    for settings in ("postgresql.conf", "postgresql.auto.conf"):
        (old.data / settings).write_text(OWN)
    assert ident(old.data) != before
    assert rewind_of(old.data) is None
    receipt, _died = old.rejoined()
    assert receipt == {"method": "rewind"}
    assert old.is_a_standby_with_its_own_settings()
