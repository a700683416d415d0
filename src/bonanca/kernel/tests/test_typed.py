"""The first use of a type is one thread's alone: else msgspec ends the process, as it did to workers at their start."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from bonanca.kernel import typed


@dataclass(frozen=True)
class Inner:
    number: int


@dataclass(frozen=True)
class Outer:
    inner: Inner
    words: tuple[str, ...] = ()


def test_facts_become_what_they_are_declared_to_be() -> None:
    assert typed.convert({"inner": {"number": 1}, "words": ["a"]}, Outer) == Outer(Inner(1), ("a",))
    assert typed.decode(b'{"inner": {"number": 2}}', Outer) == Outer(Inner(2))
    with pytest.raises(msgspec.ValidationError):
        typed.convert({"inner": {"number": "one"}}, Outer)
    with pytest.raises(msgspec.DecodeError):
        typed.decode(b"{", Outer)


def test_threads_that_need_a_type_for_the_first_time_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most, together = 0, 0, threading.Barrier(8)
    real, count = msgspec.convert, threading.Lock()

    def slow(*args: Any, **options: Any) -> Any:
        nonlocal inside, most
        with count:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.01)  # as long as another thread would need to come in
        with count:
            inside -= 1
        return real(*args, **options)

    @dataclass(frozen=True)
    class Fresh:
        number: int

    def first() -> None:
        together.wait()
        assert typed.convert({"number": 1}, Fresh) == Fresh(1)

    monkeypatch.setattr(msgspec, "convert", slow)
    threads = [threading.Thread(target=first) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Those who came while the first was at work have waited, too.
    assert most == 1
