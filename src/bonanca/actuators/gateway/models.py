"""What each gateway should do and what it says it does."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from bonanca.actuators.gateway.state import DirectiveKind
from bonanca.kernel.ids import new_id


class Gateway(models.Model):
    """One gateway by name. Its row is what writers of its desired state take turns on."""

    name = models.CharField(max_length=63, primary_key=True)
    # Grows by one with each change of what is wanted.
    version = models.BigIntegerField(default=0)
    applied_version = models.BigIntegerField(null=True)
    applied_at = models.DateTimeField(null=True)
    reported_at = models.DateTimeField(null=True)
    entry_url = models.CharField(max_length=300, default="")
    metrics_url = models.CharField(max_length=300, default="")
    host = models.CharField(max_length=253, default="")
    pid = models.BigIntegerField(null=True)
    refused = models.CharField(max_length=500, default="")

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class Route(models.Model):
    """A service's share of a gateway: a host (any when empty) and a path prefix, and its replicas."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    gateway = models.CharField(max_length=63)
    service = models.CharField(max_length=63)
    position = models.PositiveIntegerField()
    host = models.CharField(max_length=253, default="", blank=True)
    path_prefix = models.CharField(max_length=200)
    backends = models.JSONField()
    health_path = models.CharField(max_length=200, null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["gateway", "host", "path_prefix"], name="gateway_route_has_one_owner")
        ]

    def __str__(self) -> str:
        return f"{self.host or '*'}{self.path_prefix} to {self.service}"


class Directive(models.Model):
    """One containment at a gateway, from its put to its end."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=200, unique=True)
    gateway = models.CharField(max_length=63)
    service = models.CharField(max_length=63)
    kind = models.CharField(max_length=16, choices=DirectiveKind)
    match = models.CharField(max_length=200, null=True)
    message = models.CharField(max_length=1000, blank=True, default="")
    retry_after_s = models.PositiveIntegerField()
    # Where a redirect sends requests: addresses of the redundant site.
    backends = models.JSONField(default=list, db_default=[])
    # How weights divide the requests: [{"weight": 90, "backends": [address, ...]}, ...].
    shares = models.JSONField(default=list, db_default=[])
    # From how many failed answers in a hundred on a breaker opens.
    threshold_percent = models.PositiveSmallIntegerField(default=0, db_default=0)
    # The desired state's version from which on it holds, and when the gateway said that it does.
    version = models.BigIntegerField()
    put_at = models.DateTimeField()
    put_by = models.CharField(max_length=200)
    applied_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=200, default="")
    # When it was recorded that its time was over.
    expired_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("put_at")), name="gateway_directive_ends_after_it_begins"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["gateway", "expires_at"],
                name="gateway_standing",
                condition=models.Q(lifted_at__isnull=True, expired_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.service}{self.match or ''}"


class SeenEpoch(models.Model):
    """The newest epoch in which a plan has steered a gateway: an older one is refused."""

    run_id = models.UUIDField(primary_key=True)
    epoch = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.run_id} epoch {self.epoch}"
