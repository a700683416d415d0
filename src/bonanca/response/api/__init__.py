"""Containment, deployment and rollback over HTTP."""

from bonanca.response.api import containments, deployments, plans, replicas, rollbacks
from bonanca.response.api.router import router

__all__ = ["containments", "deployments", "plans", "replicas", "rollbacks", "router"]
