"""The router that the files beside it fill."""

from __future__ import annotations

from ninja import Router

router = Router(tags=["aftercare"])
