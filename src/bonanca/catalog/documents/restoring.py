"""Read how a service's data is brought back."""

from __future__ import annotations

from bonanca.catalog.documents.reader import Reader
from bonanca.catalog.spec import RestoreSpec
from bonanca.catalog.spec.restoring import KEPT_H


def read_restore(reader: Reader) -> RestoreSpec:
    """The part `restore` of a service."""
    return RestoreSpec(
        jobs=reader.integer("jobs", 2, minimum=1, maximum=64),
        keep_replaced_h=reader.number("keep_replaced_h", KEPT_H, above=True, maximum=24 * 366),
    )
