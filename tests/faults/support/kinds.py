"""Toy steps on files, with places to be killed at. Done twice, an effect leaves two lines."""

from __future__ import annotations

from pathlib import Path

from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.fence import fenced
from bonanca.durable.registry import step


@step("toy.append")
class ToyAppend:
    """Append the step's key to params["path"], once for each plan and step.

    Real handlers look again inside the fence. This one does not, so that the room's guards are tested and not the toy.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        path = Path(ctx.params["path"])
        if path.exists() and ctx.key in path.read_text().splitlines():
            return {"path": str(path), "line": ctx.key}
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        path = Path(ctx.params["path"])
        point(f"apply:before:{ctx.step_key}")
        with fenced(f"file:{path}", ctx.token):
            point(f"effect:before:{ctx.step_key}")
            with path.open("a") as file:
                file.write(f"{ctx.key}\n")
            point(f"effect:after:{ctx.step_key}")
        return {"path": str(path), "line": ctx.key}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        path = Path(receipt["path"])
        with fenced(f"file:{path}", ctx.token):
            point(f"undo:before:{ctx.step_key}")
            lines = path.read_text().splitlines() if path.exists() else []
            path.write_text("".join(f"{line}\n" for line in lines if line != receipt["line"]))
            point(f"undo:after:{ctx.step_key}")
        return {"removed": receipt["line"]}
