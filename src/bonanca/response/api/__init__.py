"""Containment, deployment and rollback over HTTP."""

from bonanca.response.api import containments, deployments, plans, rollbacks
from bonanca.response.api.router import router

__all__ = ["containments", "deployments", "plans", "rollbacks", "router"]
