"""What this process may do, where being root alone does not say it: in a container root may lack most of it."""

from __future__ import annotations

import os
from pathlib import Path

# Bits of linux/capability.h.
SETPCAP, NET_ADMIN, SYS_ADMIN = 8, 12, 21


def may_not(*capabilities: int) -> str:
    """Why namespaces, mounts and daemons cannot be had here; empty when they can."""
    if os.geteuid() != 0:
        return "only root can do this"
    status = Path("/proc/self/status").read_text()
    effective = next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:")), 0)
    missing = [bit for bit in capabilities if not effective >> bit & 1]
    return f"root lacks the capabilities {missing} here, as in a container" if missing else ""
