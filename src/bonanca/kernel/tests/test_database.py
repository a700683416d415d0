from __future__ import annotations

import pytest
import stamina
import structlog
from django.db import OperationalError

from bonanca.kernel.database import retrying


def test_a_lost_database_is_tried_again_and_arguments_stay_out_of_the_log() -> None:
    calls: list[str] = []

    @retrying
    def write(secret: str) -> str:
        calls.append(secret)
        if len(calls) < 3:
            raise OperationalError("the server went away")
        return "written"

    with stamina.set_testing(True, attempts=5), structlog.testing.capture_logs() as lines:
        assert write("hunter2") == "written"
    assert len(calls) == 3
    assert len(lines) == 2
    assert "hunter2" not in repr(lines)


def test_any_other_failure_comes_out_at_once() -> None:
    calls: list[int] = []

    @retrying
    def write() -> None:
        calls.append(1)
        raise ValueError("a mistake of ours")

    with pytest.raises(ValueError, match="mistake"):
        write()
    assert calls == [1]
