"""A small shop."""

VERSION = "2.0.0"
