"""Backups that another program keeps in repositories of its own, as others see them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OutsideView:
    """The program, its stanza, and its repositories with their cipher ("none": in the clear), as last seen."""

    program: str
    stanza: str
    ciphers: tuple[tuple[str, str], ...]
