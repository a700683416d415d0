"""A declared shop for the rooms above the catalog: its team, its repository with three versions, its folder.

The shop of examples/ is a real program; this one is only declared, so that a test of one operation stays fast.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bonanca.access.actors import Actor
    from bonanca.access.models import User
    from bonanca.catalog.spec import ServiceView
    from bonanca.delivery.queries import ChangeView
    from bonanca.incidents.queries import IncidentView
    from bonanca.recovery.views import PinView

NOW = datetime(2026, 3, 12, 17, 36, 27, tzinfo=UTC)
SLUG = "loja-api"


@pytest.fixture
def english(settings: Any) -> Iterator[None]:
    """Messages are English; that they are there in Portuguese too is a test of its own."""
    from django.utils import translation

    settings.LANGUAGE_CODE = "en"
    with translation.override("en"):
        yield


@dataclass(frozen=True)
class Repository:
    """A bare repository and the full commit id of each of its tags."""

    path: Path
    shas: dict[str, str]


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A bare repository with the tags v1, v2 and v3. Read only: the whole session shares it."""
    folder = tmp_path_factory.mktemp("repository")
    tree, bare = folder / "tree", folder / "loja.git"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    people = {f"GIT_{r}_{p}": v for r in ("AUTHOR", "COMMITTER") for p, v in (("NAME", "Ana"), ("EMAIL", "a@b.c"))}

    def git(*words: str) -> str:
        env = {**clean, **own, **people}
        done = subprocess.run(["git", *words], cwd=tree, env=env, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    tree.mkdir()
    git("init", "--quiet", "--initial-branch=main")
    for version, limit in (("v1", 10), ("v2", 20), ("v3", 30)):
        (tree / "deploy").mkdir(exist_ok=True)
        (tree / "deploy" / "loja.toml").write_text(f"limit = {limit}\n")
        (tree / "app.py").write_text(f"VERSION = {version!r}\n")
        git("add", "--all")
        git("commit", "--quiet", "--message", f"Version {version}")
        git("tag", version)
    git("clone", "--quiet", "--bare", str(tree), str(bare))
    return Repository(bare, {version: git("rev-parse", version) for version in ("v1", "v2", "v3")})


@dataclass
class Shop:
    """The declared service and the people around it."""

    service: ServiceView
    repository: Repository
    folder: Path
    ana: Actor  # commander of the team
    beto: Actor  # responder of the team
    caio: Actor  # viewer, of another team
    nina: Actor  # responder, of another team
    system: Actor = field(init=False)

    def __post_init__(self) -> None:
        from bonanca.access.actors import SYSTEM

        self.system = SYSTEM("test")

    @property
    def outsiders(self) -> tuple[Actor, Actor]:
        return (self.caio, self.nina)

    def declare(self, **changes: object) -> None:
        """Apply the service with other parts, as `bonanca apply` would."""
        from bonanca.catalog.operations.apply_catalog import apply_catalog
        from bonanca.catalog.spec import Catalog

        self.service = replace(self.service, **changes)
        stock = replace(bare_service("estoque-api", "Estoque"), team_slug="estoque")
        catalog = Catalog(teams=_teams(), services=(self.service, stock))
        apply_catalog(catalog, source="bonanca.yaml", actor=self.system, now=NOW)

    def sha(self, version: str) -> str:
        return self.repository.shas[version]

    def release(self, version: str) -> None:
        """Make a version the running one, as a deployment's step would."""
        assert self.service.root is not None
        current, name = self.service.root / "current", self.sha(version)[:12]
        (self.service.root / "releases" / name).mkdir(parents=True, exist_ok=True)
        current.unlink(missing_ok=True)
        current.symlink_to(Path("releases") / name)

    def open(self, *, at: datetime = NOW, began: datetime | None = None, **facts: Any) -> IncidentView:
        from bonanca.incidents.operations.open_incident import open_incident

        given = {"title": "Checkouts fail", "service": SLUG, "severity": "critical", "actor": self.ana, **facts}
        return open_incident(**given, started_at=began, now=at)

    def propose(self, version: str = "v2", *, at: datetime = NOW, **facts: Any) -> ChangeView:
        from bonanca.delivery.operations.propose_change import propose_change

        given = {"service": SLUG, "title": f"Release {version}", "actor": self.beto, **facts}
        return propose_change(version=version, now=at, **given)

    def pin(self, change: ChangeView, version: str = "v1", *, at: datetime = NOW, **state: Any) -> PinView:
        """Record the state before a change, as the deployment's first step would."""
        from bonanca.recovery.operations.record_pin import PinnedState, record_pin

        kept = PinnedState(**{"taken_at": at, "release_sha": self.sha(version), **state})
        key = f"pin:{change.id}:{os.urandom(4).hex()}"
        return record_pin(
            service=change.service, change_id=str(change.id), state=kept, key=key, actor=self.system, now=at
        )

    def deployed(self, version: str = "v2", *, at: datetime = NOW) -> ChangeView:
        """A change that went out two seconds after `at`, with a pin of the version that ran before."""
        from uuid import uuid4

        from bonanca.delivery.operations.move_change import mark_deployed, mark_deploying

        change = self.propose(version, at=at)
        self.pin(change, at=at)
        mark_deploying(change.id, run_id=uuid4(), actor=self.system, now=at)
        self.release(version)
        return mark_deployed(change.id, actor=self.system, now=at + timedelta(seconds=2))


def bare_service(slug: str, name: str) -> ServiceView:
    """A service of which nothing is declared but its name."""
    from bonanca.catalog.spec import ServiceView

    return ServiceView(slug=slug, name=name, team_slug="loja")


def _teams() -> tuple[Any, ...]:
    from bonanca.catalog.spec import MemberSpec, TeamSpec

    ana = MemberSpec("ana@loja.example", "Ana Souza", "commander", "pt-br", "America/Sao_Paulo")
    beto = MemberSpec("beto@loja.example", "Beto Lima", "responder", "en", "UTC")
    caio = MemberSpec("caio@estoque.example", "Caio Reis", "viewer")
    return (
        TeamSpec("loja", "Time da Loja", (ana, beto), (ana.email,)),
        TeamSpec("estoque", "Estoque", (caio,)),
    )


@pytest.fixture(scope="session")
def front_doors(django_db_setup: None) -> None:
    """Pages and API are imported before a test begins: it takes longer than a transaction may be idle."""
    from django.urls import get_resolver

    assert get_resolver().url_patterns


@pytest.fixture
def shop(
    front_doors: None, english: None, owner: User, member: User, stranger: User, repository: Repository, tmp_path: Path
) -> Shop:
    """`loja-api`, declared: gateway, repository, two replicas, configuration, an objective. v1 runs."""
    from bonanca.access.actors import Actor, person
    from bonanca.access.state import Role
    from bonanca.catalog import spec

    slo = spec.SloSpec(
        slug="loja-availability",
        name="Loja responde",
        objective=99.0,
        window_s=1800,
        source=spec.SloSource("gateway", "default", SLUG),
        alerts=(spec.BurnAlert("critical", 10, 30, 5),),
    )
    service = replace(
        bare_service(SLUG, "Loja"),
        critical=True,
        gateway=spec.GatewaySpec("default", (spec.RouteSpec("/"),)),
        repository=spec.RepositorySpec(str(repository.path)),
        root=tmp_path / "var",
        run=spec.RunSpec(
            ("{python}", "app.py", "--port", "{port}"),
            (spec.ReplicaSpec(9101), spec.ReplicaSpec(9102)),
            spec.HealthSpec("/health", 15),
        ),
        config=spec.ConfigSpec(tmp_path / "var" / "loja.toml", "deploy/loja.toml"),
        verify=(spec.VerifySpec("health", http="/health"),),
        status_page=spec.StatusPageSpec("Compras"),
        slos=(slo,),
    )
    nina = Actor("person", "nina@estoque.example", "Nina Alves", Role.RESPONDER, teams=frozenset({"estoque"}))
    made = Shop(service, repository, tmp_path, person(owner), person(member), person(stranger), nina)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "loja.toml").write_text("limit = 20\n")
    made.declare()
    made.release("v1")
    return made
