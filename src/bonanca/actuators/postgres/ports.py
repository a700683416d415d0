"""Loopback ports that stay ours when the server behind them restarts."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from bonanca.kernel.errors import Conflict, Unavailable

_LOWEST, _HIGHEST = 15_000, 32_000


class PortTaken(Conflict):
    """Another process listens on the port."""


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a server could listen on host:port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of a server that just ended (TIME_WAIT) do not make a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that is free now.

    Ports that the kernel hands to outgoing connections are avoided: while our server is down, a client that keeps
    trying to reach it could otherwise be given the server's own port, and the restart would find it taken.

    Raises:
        Unavailable: none of a few hundred tried is free.
    """
    ceiling = max(_LOWEST + 1_000, min(_HIGHEST, _first_outgoing_port() - 1))
    chooser = random.SystemRandom()
    for _ in range(300):
        port = chooser.randint(_LOWEST, ceiling)
        if port_is_free(port, host):
            return port
    raise Unavailable(f"No free port between {_LOWEST} and {ceiling} on {host}.")


def _first_outgoing_port() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768
