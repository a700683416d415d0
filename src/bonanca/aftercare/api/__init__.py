"""What follows an incident, over HTTP."""

from bonanca.aftercare.api import reexecutions, watches
from bonanca.aftercare.api.router import router

__all__ = ["reexecutions", "router", "watches"]
