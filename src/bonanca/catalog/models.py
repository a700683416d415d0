"""What was declared last: teams, environments, services and what they depend on."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from bonanca.kernel.ids import new_id


class Team(models.Model):
    """A team; its people are memberships of the access room, under the same slug."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.CharField(max_length=63, unique=True)
    name = models.CharField(max_length=200)
    # E-mails in the order in which they are paged.
    on_call = models.JSONField(default=list)
    active = models.BooleanField(default=True)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.slug


class Environment(models.Model):
    """Where services run: production or development (D1)."""

    slug = models.CharField(max_length=63, primary_key=True)

    def __str__(self) -> str:
        return self.slug


class Service(models.Model):
    """A service as declared. A removed one stays, inactive: incidents and changes of the past name it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.CharField(max_length=63, unique=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="services")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="services")
    spec = models.JSONField()
    digest = models.CharField(max_length=64)
    active = models.BooleanField(default=True)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["active", "slug"], name="catalog_active_services")]

    def __str__(self) -> str:
        return self.slug


class Dependency(models.Model):
    """That a service needs another one to work."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="needs")
    needed = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="needed_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service", "needed"], name="catalog_needs_once"),
            models.CheckConstraint(condition=~Q(service=F("needed")), name="catalog_needs_another"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} needs {self.needed_id}"
