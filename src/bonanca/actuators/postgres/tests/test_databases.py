"""A copy and a swap are there completely or not at all, happen once per key, and keep the service's database open."""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.databases import (
    copy_database,
    database_exists,
    drop_database,
    effects_on,
    swap_databases,
)
from bonanca.actuators.postgres.fencing import effect_of, guarded, session_name
from bonanca.actuators.postgres.properties import DatabaseMissing, properties_of
from bonanca.actuators.postgres.sessions import (
    DatabaseUnreachable,
    at_database,
    derived_name,
    maintenance_dsn,
    session,
    system_identifier,
)
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import Fenced
from bonanca.kernel.errors import Conflict, Invalid


@pytest.fixture
def loja(cluster: Cluster) -> Iterator[str]:
    """The DSN of a small database with one row; every database named like it is dropped after the test."""
    name = f"loja{os.urandom(4).hex()}"
    with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        with psycopg.connect(cluster.dsn(name)) as connection:
            connection.execute("CREATE TABLE orders (number int PRIMARY KEY)")
            connection.execute("INSERT INTO orders VALUES (1)")
        yield cluster.dsn(name)
        for (found,) in admin.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (name,)
        ).fetchall():
            admin.execute(f"DROP DATABASE {found} WITH (FORCE)")


def token(epoch: int = 1, run: uuid.UUID | None = None) -> FenceToken:
    return FenceToken(run or uuid.uuid4(), epoch)


def name_of(dsn: str) -> str:
    return psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]


def numbers(dsn: str, name: str | None = None) -> list[int]:
    with psycopg.connect(at_database(dsn, name) if name else dsn) as connection:
        return [row[0] for row in connection.execute("SELECT number FROM orders ORDER BY 1")]


def copied(dsn: str, kind: str = "pin", holder: FenceToken | None = None, key: str | None = None):
    target = f"{name_of(dsn)}_{kind}"
    key = key or uuid.uuid4().hex
    return copy_database(dsn, source=name_of(dsn), target=target, token=holder or token(), key=key)


def test_a_copy_holds_what_the_database_held_and_says_what_it_cost(loja):
    facts = copied(loja)
    with psycopg.connect(loja) as connection:
        connection.execute("INSERT INTO orders VALUES (2)")
    assert numbers(loja, facts["target"]) == [1]
    assert facts["made"]
    assert 0 < facts["held_s"] <= facts["seconds"] + 1
    assert int(facts["xid"]) > 0
    assert facts["at"].endswith("+00:00")


def test_the_same_key_copies_once(loja):
    first = copied(loja, key="once" + name_of(loja))
    with psycopg.connect(loja) as connection:
        connection.execute("INSERT INTO orders VALUES (2)")
    assert copied(loja, key="once" + name_of(loja)) == first
    assert numbers(loja, first["target"]) == [1]


def test_clients_are_held_and_not_refused_while_the_database_is_copied(loja):
    with psycopg.connect(loja) as connection:
        connection.execute("CREATE TABLE bulk AS SELECT g, repeat('x', 400) AS x FROM generate_series(1, 60000) g")
    refused, stop = [], threading.Event()

    def buy() -> None:
        while not stop.is_set():
            try:
                connection = psycopg.connect(loja, autocommit=True)
            except psycopg.OperationalError as error:
                refused.append(str(error))
                continue
            with contextlib.suppress(psycopg.OperationalError), connection:  # ended sessions come again, and wait
                while not stop.is_set():
                    connection.execute("SELECT 1")

    clients = [threading.Thread(target=buy) for _ in range(3)]
    for client in clients:
        client.start()
    try:
        assert copied(loja)["made"]
    finally:
        stop.set()
        for client in clients:
            client.join()
    assert refused == []


def test_a_transaction_that_is_open_may_finish_first(loja):
    began, finished = threading.Event(), []

    def transaction() -> None:
        with psycopg.connect(loja) as connection:
            connection.execute("INSERT INTO orders VALUES (2)")
            began.set()
            connection.execute("SELECT pg_sleep(0.15)")
        finished.append(True)

    client = threading.Thread(target=transaction)
    client.start()
    assert began.wait(5)
    facts = copied(loja)
    client.join()
    assert finished == [True]
    assert numbers(loja, facts["target"]) == [1, 2]


def test_owner_grants_limit_and_settings_come_along(loja, cluster):
    name, role = name_of(loja), f"role{os.urandom(4).hex()}"
    with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role}")
        admin.execute(f"ALTER DATABASE {name} OWNER TO {role}")
        admin.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
        admin.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 7")
        admin.execute(f"ALTER DATABASE {name} SET search_path TO shop, public")
        admin.execute(f"ALTER ROLE {role} IN DATABASE {name} SET statement_timeout TO '3s'")
        wanted = properties_of(admin, name)
        target = copied(loja)["target"]
        assert properties_of(admin, target) == wanted
        assert wanted.connection_limit == 7
        admin.execute(f"DROP DATABASE {target}")
        admin.execute(f"ALTER DATABASE {name} OWNER TO postgres")
        admin.execute(f"DROP OWNED BY {role}")
        admin.execute(f"ALTER ROLE {role} IN DATABASE {name} RESET ALL")
        admin.execute(f"DROP ROLE {role}")


def test_a_swap_keeps_the_replaced_database_and_happens_once(loja):
    name = name_of(loja)
    copied(loja, "new")
    with psycopg.connect(loja) as connection:
        connection.execute("INSERT INTO orders VALUES (2)")
    swap = {"live": name, "incoming": f"{name}_new", "keep_as": f"{name}_kept", "key": f"swap{name}"}
    facts = swap_databases(loja, token=token(), **swap)
    assert (numbers(loja), numbers(loja, f"{name}_kept")) == ([1], [1, 2])
    assert swap_databases(loja, token=token(), **swap) == facts
    assert [effect["kept"] for effect in effects_on(loja, [name], ["swap"])] == [f"{name}_kept"]


def test_a_swap_ends_sessions_and_swapping_back_restores_everything(loja):
    name = name_of(loja)
    copied(loja, "new")
    with psycopg.connect(loja, autocommit=True) as stubborn:
        stubborn.execute("SELECT 1")
        swap_databases(loja, live=name, incoming=f"{name}_new", keep_as=f"{name}_kept", token=token(), key=f"a{name}")
        with pytest.raises(psycopg.OperationalError):
            stubborn.execute("SELECT 1")
    swap_databases(loja, live=name, incoming=f"{name}_kept", keep_as=f"{name}_undone", token=token(), key=f"b{name}")
    assert numbers(loja) == [1]
    assert database_exists(loja, f"{name}_undone")
    assert not database_exists(loja, f"{name}_kept")


def test_a_swap_without_its_copy_changes_nothing(loja):
    name = name_of(loja)
    with pytest.raises(DatabaseMissing):
        swap_databases(loja, live=name, incoming=f"{name}_new", keep_as=f"{name}_kept", token=token(), key=f"c{name}")
    assert numbers(loja) == [1]


def test_a_foreign_database_in_the_place_of_the_copy_is_left_alone(loja):
    with psycopg.connect(maintenance_dsn(loja), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name_of(loja)}_pin")
    with pytest.raises(Conflict, match=name_of(loja)):
        copied(loja)


def test_an_older_epoch_is_refused_and_its_sessions_are_ended(loja):
    run, name = uuid.uuid4(), name_of(loja)
    with session(maintenance_dsn(loja), name=session_name(token(1, run))) as zombie:
        with guarded(loja, token(2, run), database=name):
            pass
        with pytest.raises(psycopg.OperationalError):
            zombie.execute("SELECT 1")
    with pytest.raises(Fenced):
        copied(loja, holder=token(1, run))
    assert not database_exists(loja, f"{name}_pin")
    assert copied(loja, holder=token(2, run))["made"]


def test_an_interrupted_copy_is_taken_over_and_not_repeated(loja):
    name, key = name_of(loja), f"k{name_of(loja)}"
    run = uuid.uuid4()
    with guarded(loja, token(1, run), database=name) as guard:
        guard.record(
            f"{key}:intent", "copy.intent", name, {"at": "2026-01-01T00:00:00+00:00", "xid": "5", "lsn": "0/1"}
        )
        guard.connection.execute(f"CREATE DATABASE {name}_pin TEMPLATE {name}")
    facts = copied(loja, holder=token(2, run), key=key)
    assert (facts["made"], facts["xid"]) == (False, "5")
    assert effect_of(loja, key) == facts


def test_dropping_is_repeatable(loja):
    target = copied(loja)["target"]
    assert drop_database(loja, name=target, token=token())
    assert not drop_database(loja, name=target, token=token())


def test_names_stay_below_the_limit_of_postgresql():
    assert derived_name("loja", "pin", "0192ab") == "loja_pin_0192ab"
    long = derived_name("á" * 60, "kept", "0192ab34cd56")
    assert len(long.encode()) <= 63
    assert long.endswith("_kept_0192ab34cd56")


def test_the_identity_of_a_server_is_that_of_its_data(loja, cluster):
    assert system_identifier(loja) == system_identifier(cluster.dsn())


def test_a_server_that_does_not_answer_is_named_without_its_password():
    with pytest.raises(DatabaseUnreachable) as caught, session("postgresql://u:secret@127.0.0.1:1/loja"):
        pass
    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_service_in_the_maintenance_database_is_refused(cluster):
    with pytest.raises(Invalid):
        maintenance_dsn(cluster.dsn("postgres"))
