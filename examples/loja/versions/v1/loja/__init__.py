"""A small shop."""

VERSION = "1.0.0"
