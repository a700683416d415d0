"""The converter process: Vega-Lite in, SVG out. Run by rendering.py as a script, so it imports nothing of ours.

It is a process of its own because vl-convert holds the interpreter's lock while it draws (measured: 30-130 ms during
which no other thread of a web process would answer). It ends when its parent's end of the pipe closes, or when nobody
has asked for IDLE_S, and then gives its 150 MB back.

Frames: 4 bytes big-endian length, then UTF-8. Request: the specification. Answer: 'S' + SVG, or 'E' + the error.
"""

import json
import os
import select
import struct
import sys

IDLE_S = 300.0


def read_exactly(count: int) -> bytes:
    """Return `count` bytes of standard input, or fewer at its end."""
    parts = b""
    while len(parts) < count:
        part = os.read(0, count - len(parts))
        if not part:
            break
        parts += part
    return parts


def answer(text: str) -> None:
    """Write one frame."""
    body = text.encode("utf-8")
    sys.stdout.buffer.write(struct.pack(">I", len(body)) + body)
    sys.stdout.buffer.flush()


def main() -> None:
    """Serve until the end of input or a long silence."""
    import vl_convert

    while True:
        ready, _, _ = select.select([0], [], [], IDLE_S)
        if not ready:
            return
        head = read_exactly(4)
        if len(head) < 4:
            return
        specification = json.loads(read_exactly(struct.unpack(">I", head)[0]))
        try:
            # No chart of ours refers to data elsewhere; none may fetch it.
            svg = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
        except Exception as problem:  # noqa: BLE001 - handed to the parent, which records it
            answer(f"E{type(problem).__name__}: {problem}")
        else:
            answer(f"S{svg}")


if __name__ == "__main__":
    main()
