"""Every program of a service is started without our keys, addresses and passwords."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from bonanca.actuators.command.steps import CommandRun
from bonanca.aftercare.programs import carry_out
from bonanca.catalog.spec import ErasureSpec, ReplicaSpec, RunSpec, ServiceView
from bonanca.durable.context import FenceToken, StepContext
from bonanca.kernel.clock import utc_now
from bonanca.recovery.erasing import erase_by_command
from bonanca.recovery.steps import reapply
from bonanca.response.service_commands import run_for

pytestmark = pytest.mark.django_db
SECRETS = ("BONANCA_SECRET_KEY", "DATABASE_URL", "BONANCA_SMTP_PASSWORD", "BONANCA_TOKEN", "PGPASSWORD", "OF_NOBODY")
TELL = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServiceView:
    for name in SECRETS:
        monkeypatch.setenv(name, f"secret of {name}")
    release = tmp_path / "releases" / "abc"
    release.mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/abc")
    run = RunSpec(("x",), (ReplicaSpec(9101),), env={"MODE": "probe"})
    command = (sys.executable, "-c", TELL, str(tmp_path / "seen"))
    return ServiceView("loja-api", "Loja", "loja", root=tmp_path, run=run, replay=command)


def context(**params: object) -> StepContext:
    run_id = uuid4()
    return StepContext(
        run_id=run_id,
        step_key="one",
        token=FenceToken(run_id, 1),
        params=params,
        context={},
        receipts={},
        timeout_s=60,
        now=utc_now,
        progress=lambda share, text: None,
        still_mine=lambda: None,
        remaining_s=lambda: 60.0,
    )


def by_a_step(service: ServiceView) -> None:
    params = {"resource": "r", "cwd": str(service.root), "argv": list(service.replay), "env": {"MODE": "probe"}}
    CommandRun().apply(context(**params))


def by_a_check(service: ServiceView) -> None:
    assert run_for(service, service.replay, timeout_s=60).ok


def by_aftercare(service: ServiceView) -> None:
    with tempfile.TemporaryFile() as out:
        ended = carry_out(service, service.replay, given={}, timeout_s=60, stdout=out)
    assert ended.problem == ""


def by_erasing(service: ServiceView) -> None:
    erase_by_command(context(), service, ErasureSpec("", command=service.replay), ["7"])


def by_reapplying(service: ServiceView) -> None:
    with tempfile.TemporaryFile() as rows, tempfile.TemporaryFile() as answers:
        reapply._carried_out(context(), service, rows, answers)


@pytest.mark.parametrize("run", [by_a_step, by_a_check, by_aftercare, by_erasing, by_reapplying])
def test_no_program_sees_our_secrets(service: ServiceView, run: Callable[[ServiceView], None], tmp_path: Path) -> None:
    run(service)
    seen = json.loads((tmp_path / "seen").read_text())
    assert not [name for name in SECRETS if name in seen]
    assert not [value for value in seen.values() if "secret of" in value]
    assert (seen["MODE"], "PATH" in seen) == ("probe", True)
