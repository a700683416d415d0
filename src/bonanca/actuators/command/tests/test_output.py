"""A program that writes without end is listened to for as long as we like, and takes no more than we give."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from bonanca.actuators.command.output import Bounded, Tail, lines_of
from bonanca.durable.commands import run


def test_so_much_is_kept_and_the_program_ends_well() -> None:
    file = io.BytesIO()
    kept = Bounded(file, 100_000)
    program = "import sys\nfor n in range(3000): sys.stdout.write('x' * 1024)"
    run([sys.executable, "-c", program], timeout_s=30, stdout=kept.write)
    assert (len(file.getvalue()), kept.cut) == (100_000, True)


def test_a_full_disk_cuts_and_stops_nobody() -> None:
    with Path("/dev/full").open("wb") as full:
        kept = Bounded(full, 100_000)
        run([sys.executable, "-c", "print('x' * 3_000_000)"], timeout_s=30, stdout=kept.write)
        assert kept.cut


def test_what_fits_is_whole() -> None:
    file = io.BytesIO()
    kept = Bounded(file, 6)
    run(["printf", "calm\n\n"], timeout_s=10, stdout=kept.write)
    assert (file.getvalue(), kept.cut) == (b"calm\n\n", False)


def test_the_end_is_where_a_program_says_how_it_went() -> None:
    tail = Tail(1000)
    run([sys.executable, "-c", "print('x' * 3_000_000); print('the end')"], timeout_s=30, stdout=tail.write)
    assert tail.last_line() == "the end"
    assert Tail(10).last_line() == ""


def test_a_long_line_is_never_held() -> None:
    text = b"a\n" + b"b" * 1000 + b"\nc\n" + b"d" * 10 + b"\n" + b"e" * 11 + b"\nf"
    lines = list(lines_of(io.BytesIO(text), 10))
    assert [line for line in lines if line != b""] == [b"a\n", None, b"c\n", None, None, b"f"]
    assert max(len(line or b"") for line in lines) <= 10
