"""A place behind a line that is slow, breaks or falls silent: the copy comes through, or its trouble is named in time.

The line is a TCP proxy of ours before a real sshd and a real server of S3.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.catalog.spec import PlaceSpec
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.places import Parcel, ReplicaProblem, open_place
from bonanca.recovery.places import s3 as s3_module
from bonanca.recovery.places import sftp as sftp_module
from bonanca.recovery.tests.servers import S3Server, Sshd
from bonanca.recovery.tests.shop import NOW, Shop
from tests.support.poll import eventually
from tests.support.proxy import Line

CONTENT = os.urandom(1024 * 1024) * 20 + b"end"
KINDS = ("sftp", "s3")
# What is still waited for an answer; the places themselves wait for a minute or two.
SILENCE_S = 1


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    return Parcel(source, "loja/one.bnc", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture(params=KINDS)
def behind(request: pytest.FixtureRequest, sshd: Sshd, s3: S3Server) -> Iterator[tuple[Line, PlaceSpec]]:
    """A line and the place behind it; each test has a folder of its own there."""
    name = f"copies{abs(hash(request.node.name))}"
    if request.param == "sftp":
        with Line(sshd.port) as line:
            # The host key is known for the address of the line too: it is the same host.
            known = sshd.known_hosts.parent / f"known{line.port}"
            known.write_text(sshd.known_hosts.read_text().replace(f":{sshd.port} ", f":{line.port} "))
            yield line, replace(sshd, port=line.port, known_hosts=known).place(name)
    else:
        with Line(urlsplit(s3.endpoint).port or 0) as line:
            yield line, s3.place(prefix=name, endpoint=f"http://127.0.0.1:{line.port}")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp_module, "PIECE_TIMEOUT_S", float(SILENCE_S))
    monkeypatch.setattr(sftp_module, "CONNECT_TIMEOUT_S", float(SILENCE_S))
    retries = {"mode": "standard", "max_attempts": 1}
    brief = {"connect_timeout": SILENCE_S, "read_timeout": SILENCE_S, "retries": retries}
    monkeypatch.setattr(s3_module, "_CLIENT", s3_module._CLIENT | brief)


def content_of(place: PlaceSpec, parcel: Parcel) -> bytes:
    return b"".join(open_place(place).read(parcel.name))


def when_half_is_through(line: Line, trouble: Callable[[], None]) -> threading.Thread:
    """Trouble begins after half of the bytes, in a thread of its own: as trouble does."""
    begun = line.carried

    def watch() -> None:
        eventually(lambda: line.carried - begun > len(CONTENT) / 2, 30, 0.001)
        trouble()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_a_slow_line_is_only_slow(behind: tuple[Line, PlaceSpec], parcel: Parcel) -> None:
    line, place = behind
    line.delay(0.005)
    told: list[int] = []
    assert open_place(place).store(parcel, told.append) == len(CONTENT)
    assert len(told) > 2
    assert told == sorted(told)
    line.heal()
    assert content_of(place, parcel) == CONTENT


def test_a_line_that_breaks_half_way_costs_what_was_under_way_and_no_more(
    behind: tuple[Line, PlaceSpec], parcel: Parcel, impatient: None
) -> None:
    line, place = behind
    trouble = when_half_is_through(line, line.cut)
    with pytest.raises(ReplicaProblem) as broken:
        open_place(place).store(parcel)
    trouble.join()
    assert place.place in broken.value.message
    line.heal()
    before = line.carried
    assert open_place(place).store(parcel) == len(CONTENT)
    if place.place.startswith("s3:"):
        # What had arrived was not sent again. (SFTP has no sums: what was put together is read back whole.)
        assert line.carried - before < len(CONTENT)
    assert content_of(place, parcel) == CONTENT


def test_a_line_that_falls_silent_is_given_up_in_time_and_the_copy_goes_on_later(
    behind: tuple[Line, PlaceSpec], parcel: Parcel, impatient: None
) -> None:
    line, place = behind
    trouble = when_half_is_through(line, line.hold)
    began = time.monotonic()
    with pytest.raises(ReplicaProblem) as silent:
        open_place(place).store(parcel)
    took_s = time.monotonic() - began
    trouble.join()
    assert place.place in silent.value.message
    assert took_s < 10 * SILENCE_S
    # Nobody answers a new attempt either.
    began = time.monotonic()
    with pytest.raises(ReplicaProblem):
        open_place(place).store(parcel)
    assert time.monotonic() - began < 10 * SILENCE_S
    line.heal()
    assert open_place(place).store(parcel) == len(CONTENT)
    assert content_of(place, parcel) == CONTENT


def test_a_silent_line_while_reading_is_named_and_another_reading_works(
    behind: tuple[Line, PlaceSpec], parcel: Parcel, impatient: None
) -> None:
    line, place = behind
    open_place(place).store(parcel)
    pieces = open_place(place).read(parcel.name)
    got = next(pieces)
    line.hold()
    with pytest.raises(ReplicaProblem):
        got += b"".join(pieces)
    assert len(got) < len(CONTENT)
    line.heal()
    assert content_of(place, parcel) == CONTENT


def test_a_backup_with_one_place_behind_a_silent_line_is_safe_in_the_other(
    shop: Shop, behind: tuple[Line, PlaceSpec], impatient: None, tmp_path: Path
) -> None:
    line, place = behind
    here = PlaceSpec(str(tmp_path / "here"))
    shop.declare_backup(replicas=(here.place, place.place), places=(place,))
    line.hold()
    backup = take_backup(service=shop.slug, actor=SYSTEM("test"), now=NOW)
    states = {copy.place: copy.state.value for copy in backup.replicas}
    assert states[here.place] == "stored"
    assert states[place.place] != "stored"
    line.heal()
