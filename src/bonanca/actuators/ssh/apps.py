from __future__ import annotations

from bonanca.kernel import plugins


class SshConfig(plugins.RoomConfig):
    name = "bonanca.actuators.ssh"
    label = "ssh"
