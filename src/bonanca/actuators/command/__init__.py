"""Run a service's own command: its migration, its replay, its test suite."""
