"""Loaded by every test of the repository, in rooms and in tests/: a real PostgreSQL and a fixed cast of people."""

pytest_plugins = ["tests.support.database", "tests.support.people", "tests.support.loja", "tests.support.docker"]
