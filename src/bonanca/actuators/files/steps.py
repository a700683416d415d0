"""Step kinds over files: `files.write` for configuration, `files.append_line` for plans that only test plans."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from bonanca.actuators.files.append import append_line, find_line, remove_line
from bonanca.actuators.files.held import followed
from bonanca.actuators.files.store import ContentLost, ContentStore, FileState, Intent
from bonanca.actuators.files.write import restore_file, write_file, written
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.registry import step
from bonanca.kernel.home import bonanca_home


@step("files.write")
class FilesWrite:
    """Make `path` hold `content` (text) or a copy of the file `copy_of`, and keep what it held.

    Params: `path` (absolute); `content` or `copy_of`; optional `mode` (octal text, such as "0640") and `store`
    (folder of the kept contents, default `BONANCA_HOME/files`). The receipt has `path`, `before` and `after`
    ({sha256, mode}, sha256 null where there was no file), `changed` and `store`.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        store = _store(ctx.params)
        intent = written(store, ctx.key)
        return None if intent is None else _receipt(store, intent)

    def apply(self, ctx: StepContext) -> Receipt:
        store, path = _store(ctx.params), _path(ctx.params)
        mode = ctx.params.get("mode")
        with fenced(_resource(path), ctx.token):
            try:
                data = _wanted(ctx.params)
                intent = write_file(
                    store, key=ctx.key, path=path, data=data, mode=int(mode, 8) if mode is not None else None
                )
            except (OSError, ContentLost) as error:
                raise StepFailed(f"{path}: {error}", retryable=isinstance(error, OSError)) from error
        return _receipt(store, intent)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        store, path = ContentStore(Path(receipt["store"])), Path(receipt["path"])
        with fenced(_resource(path), ctx.token):
            try:
                intent = restore_file(store, key=f"{ctx.key}:undo", path=path, state=FileState(**receipt["before"]))
            except (OSError, ContentLost) as error:
                raise StepFailed(f"{path}: {error}", retryable=isinstance(error, OSError)) from error
        return _receipt(store, intent)


@step("files.append_line")
class FilesAppendLine:
    """Append one line marked with the step's key. Doing it twice would show: that is what it is for.

    Params: `path` (absolute), `line`. Crash points: `files.append_line.before` and `files.append_line.after`.
    """

    def check(self, ctx: StepContext) -> Receipt | None:
        path = _path(ctx.params)
        line = find_line(path, ctx.key)
        return None if line is None else {"path": str(path), "line": line, "key": ctx.key}

    def apply(self, ctx: StepContext) -> Receipt:
        path, line = _path(ctx.params), str(ctx.params["line"])
        with fenced(_resource(path), ctx.token):
            point("files.append_line.before")
            try:
                append_line(path, key=ctx.key, line=line)
            except (OSError, ValueError) as error:
                raise StepFailed(f"{path}: {error}", retryable=isinstance(error, OSError)) from error
            point("files.append_line.after")
        return {"path": str(path), "line": line, "key": ctx.key}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        path = Path(receipt["path"])
        with fenced(_resource(path), ctx.token):
            try:
                remove_line(path, key=receipt["key"])
            except OSError as error:
                raise StepFailed(f"{path}: {error}", retryable=True) from error
        return {"path": str(path), "removed": receipt["key"]}


def _store(params: dict[str, Any]) -> ContentStore:
    declared = params.get("store")
    return ContentStore(Path(declared) if declared else bonanca_home() / "files")


def _path(params: dict[str, Any]) -> Path:
    path = Path(params["path"])
    if not path.is_absolute():
        raise StepFailed(
            _("%(path)s: a step needs an absolute path, workers have different folders.") % {"path": path},
            retryable=False,
        )
    return followed(path)


def _wanted(params: dict[str, Any]) -> bytes:
    if "content" in params:
        return str(params["content"]).encode()
    if "copy_of" in params:
        return Path(params["copy_of"]).read_bytes()
    raise StepFailed(_("files.write needs `content` or `copy_of`."), retryable=False)


def _receipt(store: ContentStore, intent: Intent) -> Receipt:
    return {
        "path": intent.path,
        "before": asdict(intent.before),
        "after": asdict(intent.after),
        "changed": intent.before.sha256 != intent.after.sha256,
        "store": str(store.folder),
    }


def _resource(path: Path) -> str:
    return f"file:{path}"
