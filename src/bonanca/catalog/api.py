"""`/api/v1/services` and `/api/v1/catalog`: read what is declared, declare."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog import queries
from bonanca.catalog.diffs import CatalogDiff, compare
from bonanca.catalog.documents.load import load_text
from bonanca.catalog.documents.nodes import MAX_BYTES
from bonanca.catalog.operations.apply_catalog import apply_catalog
from bonanca.catalog.spec import Catalog, ServiceView
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import Invalid
from bonanca.kernel.home import bonanca_home

router = Router(tags=["catalog"])

NAME = "request"


class SloOut(Schema):
    slug: str
    name: str
    objective: float
    window_s: float


class ServiceOut(Schema):
    """What is public inside the house; commands, addresses of databases and environment values are not."""

    slug: str
    name: str
    team: str
    critical: bool
    environment: str
    description: str
    depends_on: list[str]
    depended_on_by: list[str]
    replicas: list[str]
    routes: list[str]
    slos: list[SloOut]


class FieldOut(Schema):
    path: str
    before: str | None
    after: str | None


class DeclaredChangeOut(Schema):
    action: str
    kind: str
    name: str
    fields: list[FieldOut]


class DiffOut(Schema):
    changed: bool
    changes: list[DeclaredChangeOut]


@router.get("/services", response=list[ServiceOut], summary="Every declared service")
def list_services(request: HttpRequest) -> list[dict[str, Any]]:
    """Critical ones first."""
    _reader(request)
    services = queries.list_services()
    # From the declarations already read: one query, however many services there are.
    return [_service(s, sorted(o.slug for o in services if s.slug in o.depends_on)) for s in services]


@router.get("/services/{slug}", response=ServiceOut, summary="One declared service")
def get_service(request: HttpRequest, slug: str) -> dict[str, Any]:
    """404 when nothing of that name is declared."""
    _reader(request)
    return _service(queries.get_service(slug), list(queries.dependents_of(slug)))


@router.post("/catalog/diff", response=DiffOut, summary="What applying this YAML would change")
def diff(request: HttpRequest, prune: bool = False) -> dict[str, Any]:
    """The body is the YAML text of one catalog; relative paths start at BONANCA_HOME of the server."""
    require(_actor(request), Permission.ADMINISTER)
    return _diff(compare(_catalog(request), prune=prune))


@router.post("/catalog/apply", response=DiffOut, summary="Apply this YAML")
def apply(request: HttpRequest, prune: bool = False) -> dict[str, Any]:
    """As `/catalog/diff`, and does it: all or nothing."""
    actor = require(_actor(request), Permission.ADMINISTER)
    return _diff(apply_catalog(_catalog(request), source="api", actor=actor, now=utc_now(), prune=prune))


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def _reader(request: HttpRequest) -> None:
    require(_actor(request), Permission.READ)


def _catalog(request: HttpRequest) -> Catalog:
    if len(request.body) > MAX_BYTES:
        raise Invalid(_("the file is larger than %(limit)d KiB") % {"limit": MAX_BYTES // 1024}, field="catalog")
    try:
        text = request.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(_("this is not UTF-8 text"), field="catalog") from None
    return load_text(text, name=NAME, base=bonanca_home())


def _service(service: ServiceView, dependents: list[str]) -> dict[str, Any]:
    return {
        "slug": service.slug,
        "name": service.name,
        "team": service.team_slug,
        "critical": service.critical,
        "environment": service.environment,
        "description": service.description,
        "depends_on": list(service.depends_on),
        "depended_on_by": dependents,
        "replicas": [replica.url for replica in service.run.replicas] if service.run else [],
        "routes": [f"{r.host or '*'}{r.path_prefix}" for r in service.gateway.routes] if service.gateway else [],
        "slos": [
            {"slug": slo.slug, "name": slo.name, "objective": slo.objective, "window_s": slo.window_s}
            for slo in service.slos
        ],
    }


def _diff(diff: CatalogDiff) -> dict[str, Any]:
    return {
        "changed": bool(diff.pending),
        "changes": [
            {"action": c.action, "kind": c.kind, "name": c.name, "fields": [f.__dict__ for f in c.fields]}
            for c in diff.changes
        ],
    }
