"""`bonanca web`: pages, API and intake, alone."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

import typer

_PR_SET_PDEATHSIG = 1
DEFAULT_PORT = 8000
TARGET = "bonanca.config.asgi:application"


def _load(target: str) -> Callable[..., Any]:
    """Import the application in a worker process, after tying the worker's life to the server that forked it.

    Without it a server killed by SIGKILL leaves its workers behind, answering on the old socket for ever.
    """
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    module, _, name = target.partition(":")
    loaded: Callable[..., Any] = getattr(import_module(module), name)
    # Every page and API route is imported now: a defect ends the process with its reason instead of answering 500, and
    # the first visitor does not wait for the imports.
    import_module("bonanca.config.urls")
    return loaded


def _claim(port: int) -> socket.socket | None:
    """Hold a port against another `bonanca web` for the life of this process; None when one holds it.

    The server shares its port with whoever asks the kernel to (SO_REUSEPORT): two instances that start at
    the same moment would both get it, and each other's visitors. A name in the abstract namespace is held by
    one process at a time and leaves no file.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claim.bind(f"\0bonanca-web-{port}")
    except OSError:
        claim.close()
        return None
    return claim


def serve(host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        PortTaken: another process listens there.
    """
    from bonanca.actuators.postgres.ports import PortTaken, port_is_free

    claim = _claim(port)
    if claim is None or not port_is_free(port, host):
        raise PortTaken(f"Port {port} on {host} is taken.", field="port", hint="Choose another with --port.")
    from granian.constants import Interfaces
    from granian.server import Server

    Server(
        TARGET,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        workers=workers,
        # Live pages hold their connection open; they reconnect by themselves.
        workers_kill_timeout=3,
        blocking_threads=1,
        websockets=False,
    ).serve(target_loader=_load)


def register(root: typer.Typer) -> None:
    @root.command(rich_help_panel="Run")
    def web(
        host: Annotated[str, typer.Option(help="Address to listen on.", envvar="BONANCA_HOST")] = "127.0.0.1",
        port: Annotated[int, typer.Option(help="Port to listen on.", envvar="BONANCA_PORT")] = DEFAULT_PORT,
        workers: Annotated[int, typer.Option(help="Server processes.", min=1)] = 1,
    ) -> None:
        """Serve the pages and the API alone (the database must be prepared: `bonanca migrate`)."""
        serve(host, port, workers)
