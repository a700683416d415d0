"""How a page says who may see it: `@page(Permission.READ)` or `@public`, nothing else."""

from bonanca.access.web.guard import actor_of, page, public
from bonanca.access.web.refusals import bad_request, forbidden, not_found, server_error

__all__ = ["actor_of", "bad_request", "forbidden", "not_found", "page", "public", "server_error"]
