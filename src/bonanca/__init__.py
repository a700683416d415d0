"""Bonança: operational resilience for product teams, one closed loop with evidence."""

__version__ = "0.1.0"
