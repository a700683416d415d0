"""The API's own description: what every operation shares (the token, the shape of a refusal) is said once, here."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

REFUSALS = (
    "Refused. 401: no valid token. 403: not allowed. 404: there is no such thing. 409: the state has moved on. "
    "422 (or 400, 405, 413): the request cannot be accepted, `field` names the part. 503: try again later."
)
_TEXT = {"type": ["string", "null"]}
_REFUSAL = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "field", "hint"],
            "properties": {
                "code": {"type": "string", "description": "Stable, for programs."},
                "message": {"type": "string", "description": "For people, in their language."},
                "field": _TEXT,
                "hint": {**_TEXT, "description": "What to do next."},
            },
        }
    },
}
_TOKEN = {"type": "http", "scheme": "bearer", "description": "`bonanca token create` makes one; a session works too."}


class DescribedAPI(NinjaAPI):
    """NinjaAPI whose description is complete enough to be tested against."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        components = schema.setdefault("components", {})
        components.setdefault("schemas", {})["Refusal"] = _REFUSAL
        components["securitySchemes"] = {"token": _TOKEN}
        refused = {"schema": {"$ref": "#/components/schemas/Refusal"}}
        components["responses"] = {"Refused": {"description": REFUSALS, "content": {"application/json": refused}}}
        schema["security"] = [{"token": []}]
        for path in schema["paths"].values():
            for operation in path.values():
                operation["responses"]["default"] = {"$ref": "#/components/responses/Refused"}
        return schema
