"""PostgreSQL's clock is set back: a heartbeat that is still to come keeps no plan from other workers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from bonanca.durable.executors import register
from bonanca.durable.journal import claim_next
from bonanca.durable.models import Executor, PlanRun
from bonanca.durable.tests.world import NOW, plan
from bonanca.kernel import clock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("ahead", "taken"), [(timedelta(), False), (timedelta(hours=1), True)])
def test_a_heartbeat_of_another_time_says_nothing(ahead: timedelta, taken: bool) -> None:
    run = plan({})
    other = Executor.objects.create(
        host="elsewhere", slot="1", machine="elsewhere", pid=1, pid_started=1, started_at=Now(), last_seen=Now() + ahead
    )
    PlanRun.objects.filter(pk=run.id).update(state="running", executor=other, epoch=1, started_at=NOW)
    try:
        claim = claim_next(register("me").pk, busy=[], now=NOW)
    finally:
        clock.go_alone()
    assert (claim is not None and claim.run_id == run.id) is taken
