"""A catalog's documents: what is accepted, and how a mistake is told."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bonanca.catalog.documents.load import CatalogInvalid, Problem, load_catalog, load_text
from bonanca.catalog.spec import Catalog, ServiceView, from_json, to_json
from bonanca.kernel.errors import Unavailable

SHOP = (Path(__file__).parent / "shop.yaml").read_text(encoding="utf-8")
OPENSLO = Path(__file__).parent / "openslo"


def load(text: str) -> Catalog:
    return load_text(textwrap.dedent(text), name="bonanca.yaml", base=Path("/srv/shop"))


def wrong(text: str) -> str:
    with pytest.raises(CatalogInvalid) as caught:
        load(text)
    return str(caught.value)


def shop_with(old: str, new: str) -> str:
    assert old in SHOP
    return SHOP.replace(old, new)


def shop() -> ServiceView:
    return load(SHOP).services[0]


def test_a_whole_service_is_read_with_absolute_paths() -> None:
    service = shop()
    assert service.team_slug == "loja"
    assert service.run is not None
    assert [replica.port for replica in service.run.replicas] == [9101, 9102]
    assert service.root == Path("/srv/shop/var/loja")
    assert service.repository is not None
    assert service.repository.path == "/srv/shop/loja.git"
    assert service.slos[0].alerts[1].short_s == 15
    assert service.backup is not None
    assert service.backup.replicas == ("/srv/shop/backups/a", "s3://copies/loja")


def test_a_service_survives_its_own_json() -> None:
    service = shop()
    assert from_json(to_json(service)) == service
    assert from_json(to_json(service)).digest() == service.digest()


def test_ten_lines_are_enough_for_your_own_service() -> None:
    catalog = load(
        """
        version: 1
        teams:
          - {slug: time, members: [{email: eu@example.com}], on_call: [eu@example.com]}
        services:
          - slug: minha-api
            team: time
            gateway: {routes: [{path_prefix: /}]}
            run: {replicas: [{port: 8080}], health: {path: /health}}
            slo: [{slug: minha-api-disponivel, objective: 99.5}]
        """
    )
    service = catalog.services[0]
    assert service.slos[0].source.service == "minha-api"
    assert [alert.burn_rate for alert in service.slos[0].alerts] == [14.4, 6.0]


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("objective: 99.0", "objective: 100", None, "objective must be below 100 (got 100): an SLO of 100 % leaves no"),
        ("objective: 99.0", "objective: 0", None, "objective must be above 0 (got 0)"),
        ("objective: 99.0", "objective: 0.99", None, "99 if you meant this share"),
        ("port: 9102", "port: 70000", None, "port is not valid (got 70000): a whole number from 1 to 65535"),
        ("port: 9102", "port: 9101", 10, "127.0.0.1:9101 is already used by service 'loja-api'"),
        ("critical: true", "critial: true", None, "'critial' is not known here: did you mean critical?"),
        ("critical: true", "critical: yes", None, "critical is not valid (got 'yes'): true or false"),
        ("team: loja", "team: lojas", 10, "unknown team (got 'lojas'): one of those declared (loja)"),
        ("depends_on: []", "depends_on: [estoque]", 10, "unknown service (got 'estoque')"),
        ("depends_on: []", "depends_on: [loja-api]", 10, "in a circle (loja-api → loja-api)"),
        ("on_call: [ana@", "on_call: [eva@", None, "on_call names an unknown person (got 'eva@loja.example')"),
        ("path: /health,", "path: health,", None, "path is not valid (got 'health'): a path that starts with /"),
        ("environment: production", "environment: prod", None, "one of production, development"),
        ("time_zone: America/Sao_Paulo", "time_zone: America/Atlantis", None, "such as America/Sao_Paulo"),
        ("role: commander", "role: boss", None, "one of viewer, responder, commander, admin"),
        ('"{port}"', '"{prot}"', None, "unknown placeholder (got {prot})"),
        ("equals: 0", "equal: 0", None, "did you mean equals?"),
        ("short_s: 5}", "short_s: 50}", None, "short_s must be smaller than long_s"),
        ("source: deploy/loja.toml", "source: /etc/passwd", None, "a path inside the repository"),
        ("slug: loja-api", "slug: Loja API", None, "small letters, digits and hyphens"),
        ("path_prefix: /}", "path_prefix: /a`)||b}", None, "path_prefix is not valid"),
        ("version: 1", "version: 2", None, "version is not valid (got 2): 1"),
    ],
)
def test_a_mistake_names_file_line_and_what_was_expected(old: str, new: str, line: int | None, told: str) -> None:
    text = shop_with(old, new)
    if line is None:
        line = text[: text.index(new)].count("\n") + 1
    message = wrong(text)
    assert f"bonanca.yaml:{line}: " in message
    assert told in message


def test_all_mistakes_are_told_at_once_in_order() -> None:
    text = shop_with("objective: 99.0", "objective: 100").replace("critical: true", "critical: maybe")
    lines = wrong(text).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("bonanca.yaml:13:")


def test_a_secret_key_among_the_recipients_is_refused_without_repeating_it() -> None:
    secret = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQ"
    message = wrong(shop_with("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", secret))
    assert "secret key" in message
    assert secret not in message


WAY_BACK = """
    version: 1
    teams: [{slug: loja}]
    services:
      - slug: loja-api
        team: loja
        root: ./var
        run: {replicas: [{port: 1}]}
        verify: [{name: pay, tcp: "127.0.0.1:5432", affects: [/checkout]}]
        rollback:
          strategy: keep_data
          announce: [team, SAC@loja.example]
          pause: ["{python}", pause.py]
          resume: ["{python}", resume.py]
          drain_s: 20
          verify: [{name: suite, command: ["{python}", -m, pytest], timeout_s: 90}]
          watch: {seconds: 60, tolerated_percent: 0.5}
          kept_for_h: 48
"""


def test_a_way_back_is_declared_whole() -> None:
    service = load(WAY_BACK).services[0]
    declared = service.rollback
    assert declared is not None
    assert (declared.strategy, declared.drain_s, declared.kept_for_h) == ("keep_data", 20, 48)
    assert declared.announce == ("team", "sac@loja.example")
    assert (declared.watch.seconds, declared.watch.tolerated_percent) == (60, 0.5)
    assert declared.verify[0].command == ("{python}", "-m", "pytest")
    assert (service.verify[0].tcp, service.verify[0].affects) == ("127.0.0.1:5432", ("/checkout",))
    assert from_json(to_json(service)) == service


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("keep_data", "magic", "one of instant, keep_data, point_in_time, logical"),
        ("keep_data", "point_in_time", "point_in_time needs the archived log"),
        ("keep_data", "logical", "logical needs dumps"),
        ("team, SAC@loja.example", "everybody", "on_call, team, dependents, or an e-mail address"),
        ('pause: ["{python}", pause.py]', "", "only one of pause and resume"),
        ("name: suite, command", "name: suite, http: /, command", "exactly one of http, sql, tcp and command"),
        ('"127.0.0.1:5432"', '"127.0.0.1:70000"', "a host and a port"),
        ("[/checkout]", "[checkout]", "paths such as /checkout"),
        ("name: suite", "name: pay", "two checks are named 'pay'"),
        ("root: ./var", "critical: true", "root is missing"),
        ("watch: {seconds: 60", "watch: {secs: 60", "did you mean seconds?"),
    ],
)
def test_a_mistake_in_the_way_back_is_told(old: str, new: str, told: str) -> None:
    assert old in WAY_BACK
    assert told in wrong(WAY_BACK.replace(old, new))


def test_duplicates_name_the_first_declaration() -> None:
    message = wrong(SHOP + "  - {slug: loja-api, team: loja}\n")
    assert "service 'loja-api' is declared twice (first in bonanca.yaml:10)" in message


def test_a_key_written_twice_is_told() -> None:
    assert "bonanca.yaml:2: version is written twice" in wrong("version: 1\nversion: 1\n")


def test_aliases_that_unfold_into_millions_stop_early() -> None:
    layers = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "unfolds into too many values" in wrong("\n".join(layers))


@pytest.mark.parametrize(
    "text",
    ["a: &a [*a]", "[" * 2000, "x: !!python/object/apply:os.system [id]", "- \x00", "a: b: c", "{", "", "42", "- 1"],
)
def test_hostile_text_is_an_error_and_nothing_else(text: str) -> None:
    assert "bonanca.yaml:" in wrong(text)


def test_merge_keys_and_anchors_work() -> None:
    catalog = load(
        """
        version: 1
        teams: [{slug: t}]
        services:
          - &base {slug: one, team: t, critical: true}
          - {<<: *base, slug: two}
        """
    )
    assert [(service.slug, service.critical) for service in catalog.services] == [("one", True), ("two", True)]


def test_a_circle_of_three_is_told_once_with_its_way() -> None:
    message = wrong(
        """
        version: 1
        teams: [{slug: t}]
        services:
          - {slug: a, team: t, depends_on: [b]}
          - {slug: b, team: t, depends_on: [c]}
          - {slug: c, team: t, depends_on: [a]}
        """
    )
    assert message.count("in a circle") == 1
    assert "a → b → c → a" in message


def test_openslo_documents_of_a_directory_join_their_services(tmp_path: Path) -> None:
    services = "".join(f"  - {{slug: {slug}, team: t}}\n" for slug in ("web", "web-shop", "web-availability"))
    (tmp_path / "bonanca.yaml").write_text(f"version: 1\nteams: [{{slug: t}}]\nservices:\n{services}")
    for document in OPENSLO.iterdir():
        (tmp_path / document.name).write_text(document.read_text())
    found = {service.slug: service.slos for service in load_catalog(tmp_path).services}
    web = found["web"][0]
    assert (web.slug, web.objective, web.budgeting, web.slice_target) == ("web-availability", 99.5, "timeslices", 0.95)
    assert web.source.kind == "prometheus"
    assert "http_requests" in (web.source.good or "")
    assert web.window_s == 7 * 86400
    own = found["web-shop"][0]
    assert (own.source.kind, own.source.gateway, own.source.service) == ("gateway", "default", "web-shop")
    assert own.alerts[0].severity == "critical"
    assert own.alerts[0].long_s == 3600
    assert [slo.slug for slo in found["web-availability"]] == ["service-availability", "service-availability-2"]


def test_an_openslo_target_of_one_is_refused() -> None:
    document = (OPENSLO / "web_shop.yaml").read_text().replace("target: 0.99", "target: 1")
    assert "target must be above 0 and below 1 (got 1)" in wrong(document)


def test_the_database_address_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "bonanca.yaml").write_text(SHOP)
    database = load_catalog(tmp_path / "bonanca.yaml").services[0].database
    assert database is not None
    with pytest.raises(Unavailable, match="cannot be read"):
        database.dsn()
    database.dsn_file.parent.mkdir(parents=True)
    database.dsn_file.write_text("postgresql://loja:s%40cret@127.0.0.1:5499/old?sslmode=disable\n")
    assert database.dsn() == "postgresql://loja:s%40cret@127.0.0.1:5499/loja?sslmode=disable"
    assert "/postgres?" in database.dsn("postgres")
    database.dsn_file.write_text("host=127.0.0.1 user=loja")
    assert database.dsn() == "user=loja host=127.0.0.1 dbname=loja"
    database.dsn_file.write_text("postgresql:///old?host=/run/postgresql")
    assert database.dsn() == "postgresql:///loja?host=/run/postgresql"


@pytest.mark.parametrize(
    "written",
    [
        "loja:hush@127.0.0.1/loja",
        "host=127.0.0.1 password=hush hush",
        "postgresql://loja:hush/ed@127.0.0.1/loja",
        "postgresql://loja:4711/hush@127.0.0.1/loja",
        "postgresql://loja:4711#hush@127.0.0.1/loja",
        "postgresql://loja:s@hush@127.0.0.1/loja",
        "postgresql://loja:[hush@127.0.0.1/loja",
        "postgresql://loja@127.0.0.1/loja?pasword=hush",
    ],
)
def test_what_is_wrong_in_an_address_is_not_repeated(tmp_path: Path, written: str) -> None:
    """Every viewer reads why a step failed."""
    (tmp_path / "bonanca.yaml").write_text(SHOP)
    database = load_catalog(tmp_path / "bonanca.yaml").services[0].database
    assert database is not None
    database.dsn_file.parent.mkdir(parents=True)
    database.dsn_file.write_text(written)
    with pytest.raises(Unavailable, match="holds no address") as refused:
        database.dsn()
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert "hush" not in f"{refused.value}{refused.value.hint}"


@pytest.mark.parametrize("name", ["missing.yaml", "folder", "bytes.yaml"])
def test_an_unreadable_place_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "bytes.yaml").write_bytes(b"version: 1\nname: \xff\n")
    with pytest.raises(CatalogInvalid, match=name):
        load_catalog(tmp_path / name)


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_WORDS = """
    version teams services slug team run replicas port health path slo objective window_s alerts source backup verify
    database config gateway routes env command members email on_call depends_on apiVersion kind metadata spec
    rollback tcp strategy watch affects
"""
_KEYS = st.sampled_from(sorted(set(_WORDS.split())))
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=25,
)


def _yaml(value: object) -> str:
    import json

    return json.dumps(value)


_TEXTS = st.one_of(
    st.text(max_size=200), _TREES.map(_yaml), _TREES.map(lambda tree: f"version: 1\nservices: [{_yaml(tree)}]")
)


def _told(text: str) -> tuple[Problem, ...]:
    try:
        load_text(text, name="x.yaml", base=Path("/"))
    except CatalogInvalid as told:
        return told.problems or (Problem("", 0, "refused without a reason"),)
    return ()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_TEXTS)
def test_any_text_gives_a_catalog_or_told_problems(text: str) -> None:
    assert all(problem.line >= 1 and problem.file == "x.yaml" for problem in _told(text))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SHOP) - 1), st.integers(0, 30), st.text(alphabet="{}[]:,-&*!|>'\"#%@ \n\tx0", max_size=6))
def test_a_damaged_catalog_gives_a_catalog_or_told_problems(at: int, length: int, damage: str) -> None:
    assert all(problem.line >= 1 for problem in _told(SHOP[:at] + damage + SHOP[at + length :]))
