"""What the look at a standby found, for a few days."""

from __future__ import annotations

from django.db import models


class ReplicationSample(models.Model):
    """One look. `lag_*` are None while one of the two servers does not answer; `error` then says which."""

    service = models.SlugField(max_length=100)
    at = models.DateTimeField()
    healthy = models.BooleanField()
    lag_s = models.FloatField(null=True)
    lag_bytes = models.BigIntegerField(null=True)
    wal_bytes = models.BigIntegerField(null=True)
    slot_bytes = models.BigIntegerField(null=True)
    checkpoint_age_s = models.FloatField(null=True)
    error = models.TextField(blank=True, default="")
    # What the slot of promotions holds back on each; None: there is none, or nobody could ask.
    kept_on_primary = models.BigIntegerField(null=True)
    kept_on_standby = models.BigIntegerField(null=True)
    closed = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [models.Index(fields=["service", "-at"], name="replication_newest")]

    def __str__(self) -> str:
        return f"{self.service} {self.at:%Y-%m-%d %H:%M}"
