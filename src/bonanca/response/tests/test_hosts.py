"""Services of systemd and of other hosts in plans, and the look at hosts that do not answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from django.test import Client

from bonanca.access.models import User
from bonanca.actuators.ssh import memory
from bonanca.actuators.ssh.spec import SshHost
from bonanca.catalog.spec import HostSpec, ServiceView, UnitsSpec
from bonanca.delivery.queries import running_sha
from bonanca.durable.plan import StepSpec
from bonanca.kernel.errors import Invalid, Unavailable
from bonanca.response.compilers.operate import compile_operation
from bonanca.response.state import PlanKind
from bonanca.response.worker import keep_hosts, keep_running
from bonanca.running import parts
from bonanca.running.homes import release_if_known, release_of, remember_release, ssh_host
from tests.support.loja import NOW, Shop

pytestmark = pytest.mark.django_db
HOST = HostSpec("deploy", "127.0.0.1", Path("/nowhere/key"), Path("/nowhere/known"), 9)


def far(shop: Shop, host: HostSpec | None = HOST) -> ServiceView:
    """The shop's service as units, on another host."""
    assert shop.service.run is not None
    shop.declare(
        run=replace(shop.service.run, command=(), systemd=UnitsSpec("loja@{port}.service"), host=host),
        migrate=("{python}", "migrate.py", "{release}"),
    )
    return shop.service


def kinds(*steps: StepSpec | None) -> list[str]:
    return [step.kind for step in steps if step is not None]


def test_the_same_parts_are_other_steps_there_and_units_here(shop: Shop) -> None:
    sha = shop.sha("v2")
    there = far(shop)
    made = (
        parts.ready_to_return(there, "t"),
        parts.release(there, sha, "t"),
        parts.configure(there, "x", "t"),
        parts.migrate(there, sha, "t"),
        parts.stop(there, "t"),
        parts.restart(there, "t"),
    )
    assert kinds(*made) == [
        "systemd.restart_on_undo",
        "ssh.release",
        "ssh.write",
        "ssh.run",
        "systemd.stop",
        "systemd.restart",
    ]
    release, migration = made[1], made[3]
    assert release is not None
    assert migration is not None
    assert release.params["ssh"] == {
        "host": "127.0.0.1",
        "user": "deploy",
        "port": 9,
        "key_file": "/nowhere/key",
        "known_hosts": "/nowhere/known",
    }
    assert migration.params["argv"] == ["python3", "migrate.py", f"{there.root}/releases/{sha[:12]}"]
    here = far(shop, None)
    near = (parts.release(here, sha, "t"), parts.configure(here, "x", "t"), parts.migrate(here, sha, "t"))
    assert kinds(*near, parts.stop(here, "t")) == ["git.release", "files.write", "command.run", "systemd.stop"]
    plan = compile_operation(here, PlanKind.RESTART, title="t", plan_id="p")
    assert [step.kind for step in plan.steps] == ["systemd.restart", "response.verify"]


def test_what_runs_there_is_known_as_it_was_seen(shop: Shop) -> None:
    there = far(shop)
    assert release_if_known(there) is None
    with pytest.raises(Unavailable, match="has not been looked at yet"):
        running_sha(there)
    remember_release(there, None, now=NOW)
    assert running_sha(there) == ""
    remember_release(there, shop.sha("v2")[:12], now=NOW)
    assert (running_sha(there), release_of(there)) == (shop.sha("v2"), shop.sha("v2")[:12])


def test_a_host_that_cannot_be_looked_at_is_told_and_holds_up_nothing_here(shop: Shop) -> None:
    there = far(shop)
    host = ssh_host(there)
    assert isinstance(host, SshHost)
    keep_running(NOW)
    with pytest.raises(Unavailable, match="loja-api: /nowhere/key"):
        keep_hosts(NOW)
    seen = memory.seen(host, PurePosixPath(str(there.root)))
    assert seen is not None
    assert (seen.at, "/nowhere/key" in seen.problem) == (None, True)
    with pytest.raises(Unavailable) as unknown:
        release_of(there)
    assert "/nowhere/key" in str(unknown.value.hint)


def test_a_service_that_nobody_runs_is_still_refused(shop: Shop) -> None:
    assert shop.service.run is not None
    shop.declare(run=replace(shop.service.run, command=()))
    with pytest.raises(Invalid, match=r"run\.systemd"):
        parts.stop(shop.service, "t")


def test_the_page_says_which_unit_and_where(shop: Shop, client: Client) -> None:
    far(shop)
    client.force_login(User.objects.get(email="beto@loja.example"))
    shown = client.get("/services/loja-api/").content.decode()
    assert "loja@{port}.service" in shown
    assert "deploy@127.0.0.1:9" in shown
