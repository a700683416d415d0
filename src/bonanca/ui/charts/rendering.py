"""Hand a specification to the converter process and keep what it drew, by content."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import re
import select
import struct
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

CONVERTER = Path(__file__).with_name("converter.py")
KEPT = 256
# The first answer includes the start of the converter: 1-3 s on a busy small machine.
TIMEOUT_S = 20.0


class ChartFailed(Exception):
    """The converter refused the specification, did not answer in time, or died."""


class Converter:
    """One converter process of this process: started when first needed, replaced when it is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def draw(self, specification: dict[str, Any]) -> str:
        """Return the SVG; other threads wait for their turn, the interpreter does not.

        Raises:
            ChartFailed: see there.
        """
        body = json.dumps(specification).encode("utf-8")
        with self._lock:
            for last_try in (False, True):
                process = self._running()
                try:
                    return self._ask(process, body)
                except (BrokenPipeError, EOFError) as gone:
                    # It may have left after its idle time just as we wrote; a second death is a failure.
                    self._end(process)
                    if last_try:
                        raise ChartFailed(f"the converter ended: {gone}") from gone
                except TimeoutError as slow:
                    self._end(process)
                    raise ChartFailed(str(slow)) from slow
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End the converter process, if it is ours."""
        if self._process is not None and self._owner == os.getpid():
            self._end(self._process)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._owner == os.getpid() and self._process.poll() is not None:
            self._end(self._process)
        if self._process is None or self._owner != os.getpid():
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(CONVERTER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
            self._owner = os.getpid()
        return self._process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None

    def _ask(self, process: subprocess.Popen[bytes], body: bytes) -> str:
        assert process.stdin is not None
        request = memoryview(struct.pack(">I", len(body)) + body)
        while request:
            request = request[process.stdin.write(request) :]
        deadline = time.monotonic() + TIMEOUT_S
        (length,) = struct.unpack(">I", _read(process, 4, deadline))
        text = _read(process, length, deadline).decode("utf-8")
        if text[:1] != "S":
            raise ChartFailed(text[1:])
        return text[1:]


def _read(process: subprocess.Popen[bytes], count: int, deadline: float) -> bytes:
    assert process.stdout is not None
    parts = b""
    while len(parts) < count:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise TimeoutError(f"no answer of the converter within {TIMEOUT_S:.0f} s")
        part = process.stdout.read(count - len(parts))
        if not part:
            raise EOFError("end of its output")
        parts += part
    return parts


_converter = Converter()
atexit.register(_converter.close)

_kept: OrderedDict[str, str] = OrderedDict()
_kept_lock = threading.Lock()


def content_key(specification: dict[str, Any]) -> str:
    """Return the name of a specification's content."""
    canonical = json.dumps(specification, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()[:20]


def draw(specification: dict[str, Any]) -> str:
    """Return the SVG of a Vega-Lite specification, from memory when the same content was drawn before.

    Raises:
        ChartFailed: it cannot be drawn.
    """
    key = content_key(specification)
    with _kept_lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    svg = _own_ids(_shorter(_converter.draw(specification)), key)
    with _kept_lock:
        _kept[key] = svg
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return svg


def warm_up() -> None:
    """Start the converter before somebody waits for the first chart (about 1 s)."""
    draw({"data": {"values": [{"a": 0}]}, "mark": "point", "encoding": {"x": {"field": "a", "type": "quantitative"}}})


def _shorter(svg: str) -> str:
    """Drop what no screen shows: more than two decimals of a pixel are half of a drawing's bytes."""
    return re.sub(r"(\d\.\d\d)\d+", r"\1", svg)


def _own_ids(svg: str, key: str) -> str:
    """Give ids that a chart refers to (clip paths, gradients) names of their own: one page holds many charts."""
    svg = re.sub(r'id="([\w-]+)"', rf'id="\1-{key}"', svg)
    return re.sub(r"url\(#([\w-]+)\)", rf"url(#\1-{key})", svg)
