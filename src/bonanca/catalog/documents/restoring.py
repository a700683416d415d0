"""Read how a service's data is brought back."""

from __future__ import annotations

from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import RestoreSpec
from bonanca.catalog.spec.restoring import KEPT_H


def read_jobs(reader: Reader) -> int:
    """`jobs`: a whole number, or `auto` (0)."""
    node = reader.entries.get("jobs")
    if node is not None and node.value == "auto":
        reader.take("jobs")
        return 0
    return reader.integer("jobs", 0, minimum=1, maximum=64)


def read_restore(reader: Reader) -> RestoreSpec:
    """The part `restore` of a service."""
    return RestoreSpec(
        jobs=read_jobs(reader),
        keep_replaced_h=reader.number("keep_replaced_h", KEPT_H, above=True, maximum=24 * 366),
    )
