"""Read `run.systemd` and `run.host`, and see that the rest of the service fits another host."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from bonanca.catalog.documents.nodes import Node
from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import ServiceView
from bonanca.catalog.spec.hosts import HostSpec, UnitsSpec

_UNIT = re.compile(r"(?:[A-Za-z0-9:_.@-]|\{port\}){1,240}\.(?:service|target|socket|scope)")
_SSH = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}@[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?")


def read_units(reader: Reader) -> UnitsSpec | None:
    """The unit; None when it is not valid."""
    expected = _("a unit such as loja.service, or loja@{port}.service for one a replica")
    found = UnitsSpec(
        unit=reader.pattern("unit", _UNIT, expected, required=True),
        user=reader.flag("user"),
        sudo=reader.flag("sudo"),
    )
    if found.user and found.sudo:
        reader.wrong(reader.entries["sudo"], _("%(what)s: a user's unit needs no sudo") % {"what": reader.what})
    return found if found.unit else None


def read_host(reader: Reader) -> HostSpec | None:
    """The host; None when a part is missing or not valid."""
    address = reader.pattern("ssh", _SSH, _("user@host, such as deploy@10.0.0.7"), required=True)
    port = reader.integer("port", 22, minimum=1, maximum=65535)
    key_file, known_hosts = reader.path("key_file", required=True), reader.path("known_hosts", required=True)
    if not address or key_file is None or known_hosts is None:
        return None
    user, _at, name = address.partition("@")
    return HostSpec(user, name, key_file, known_hosts, port)


def hosts_fit(reader: Reader, service: ServiceView) -> None:
    """Parts that need one another, or that cannot be together."""
    run = service.run
    if run is None or (run.systemd is None and run.host is None):
        return
    place = reader.entries["run"]
    if run.systemd is not None and run.command:
        reader.wrong(
            place,
            _("%(what)s: both run.command and run.systemd say how it runs") % {"what": reader.what},
            _("one of them"),
        )
    if run.systemd is not None and service.root is None:
        reader.wrong(
            place,
            _("%(what)s: run.systemd needs root") % {"what": reader.what},
            _("the folder for releases and what steps keep"),
        )
    if run.host is None:
        return
    if run.systemd is None:
        reader.wrong(
            place,
            _("%(what)s: on another host a service runs by systemd") % {"what": reader.what},
            _("run.systemd beside run.host"),
        )
    for node, key in ((reader.entries.get("root"), "root"), (_file_of(reader), "config.file")):
        if node is not None and not str(node.value).startswith("/"):
            reader.bad(node, key, _("an absolute path of the other host"))


def _file_of(reader: Reader) -> Node | None:
    config = reader.entries.get("config")
    return config.value.get("file") if config is not None and isinstance(config.value, dict) else None
