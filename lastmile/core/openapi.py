"""What every operation of the OpenAPI document says without being told: problems, keys, paging."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema_serializer,
    inline_serializer,
)
from rest_framework import serializers

T = TypeVar("T")
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="1 to 255 printable ASCII characters, a UUID say; required with an API key. "
    "The same key and body within 24 hours replays the answer with `Idempotency-Replayed: true`.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="ETag of the version you read; 412 when it has changed since.",
)
LIMIT = OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 100; default 50.")
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next`; opaque.")


def example(**value: Any) -> Callable[[T], T]:
    """Give a request shape an example body, which a test holds against the shape."""
    mark: Any = extend_schema_serializer(
        examples=[OpenApiExample("Example", value=value, request_only=True)]
    )
    return mark  # type: ignore[no-any-return]


@cache
def page_of(item: type[serializers.BaseSerializer[Any]]) -> serializers.Serializer[Any]:
    """Return the shape of a page of ``item``: ``{"items": […], "next": url | null}``."""
    name = item.__name__.removesuffix("Out")
    page: serializers.Serializer[Any] = inline_serializer(
        f"{name}Page",
        {
            "items": item(many=True),
            "next": serializers.CharField(allow_null=True, help_text="Address of the next page."),
        },
    )
    return page


@extend_schema_serializer(component_name="FieldProblem")
class FieldProblemOut(serializers.Serializer[Any]):
    """One fault in the input."""

    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the body.")
    code = serializers.CharField()
    detail = serializers.CharField()


@extend_schema_serializer(component_name="Problem")
class ProblemOut(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable word for programs.")
    detail = serializers.CharField(help_text="Cause and remedy, for people.")
    errors = FieldProblemOut(many=True, required=False)  # type: ignore[assignment]


class LastmileSchema(AutoSchema):
    """Declares on each operation what the base view and the problem handler do on each call."""

    def get_override_parameters(self) -> list[Any]:
        """Add paging to page shapes, and Idempotency-Key to unsafe methods."""
        found = list(super().get_override_parameters())
        if self.method in UNSAFE and getattr(self.view, "idempotent", True):
            found.append(IDEMPOTENCY_KEY)
        if type(self._answers().get(200)).__name__.endswith(("Page", "FeedOut")):
            found.append(LIMIT)
        if type(self._answers().get(200)).__name__.endswith("Page"):
            found.append(CURSOR)
        return found

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Name the ways of being recognised as alternatives: one entry each means "or"."""
        return [{"apiKey": []}, {"session": []}] if super().get_auth() else []

    def _resolve_path_parameters(self, variables: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]
        for parameter in found:
            parameter.setdefault("description", _IN_PATH.get(parameter["name"], _IN_PATH["ref"]))
        return found

    def _answers(self) -> dict[Any, Any]:
        found: Any = self.get_response_serializers()
        return found if isinstance(found, dict) else {200: found}

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for code, body in bodies.items():
            body["description"] = body.get("description") or _DONE.get(code, "")
        for status in self._refusals():
            bodies.setdefault(str(status), self._problem(status))
        return bodies

    def _refusals(self) -> list[int]:
        found = [400, 401, 403, 404, 406, 429, 500, 503]
        if self.method in UNSAFE:
            found += [409, 413, 415, 422]
        else:
            found += [422]
        if any(p.name == "If-Match" for p in self.get_override_parameters()):
            found.append(412)
        return sorted(found)

    def _problem(self, status: int) -> dict[str, Any]:
        component = self.resolve_serializer(ProblemOut, "response")  # type: ignore[no-untyped-call]
        return {
            "description": _MEANING[status],
            "content": {"application/problem+json": {"schema": component.ref}},
        }


_IN_PATH = {
    "public_id": "Its `id`.",
    "ref": "Its `id`, or `external_id:` and your own id.",
    "order": "The order's `id`.",
}
_DONE = {
    "200": "Done.",
    "201": "It was added; `Location` is its address.",
    "202": "Accepted; ask the operation how far it is.",
    "204": "Done; there is nothing to return.",
}
_MEANING = {
    400: "The request is not well formed, or lacks its Idempotency-Key.",
    401: "Nobody was recognised.",
    403: "Recognised, and not allowed.",
    404: "Unknown, or not yours: the same answer.",
    406: "Only application/json is served.",
    409: "Somebody was first, or the first call with this Idempotency-Key still runs.",
    412: "If-Match named an older version.",
    413: "Larger than one call may be.",
    415: "Only application/json is taken.",
    422: "Some values do not fit; `errors` points at each.",
    429: "Too many calls; see Retry-After.",
    500: "Our fault; `reference` names it in our logs.",
    503: "A part is away; see Retry-After.",
}


class PrincipalScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the two ways of being recognised are written down."""

    target_class = "tenants.people.authentication.PrincipalAuthentication"
    name = ["apiKey", "session"]  # type: ignore[assignment]

    def get_security_definition(self, auto_schema: Any) -> Any:
        """Return bearer key and session cookie."""
        return [
            {"type": "http", "scheme": "bearer", "description": "An API key: lm_…"},
            {"type": "apiKey", "in": "cookie", "name": "sid", "description": "A member's log-in."},
        ]


def only_v1(endpoints: list[Any]) -> list[Any]:
    """Keep what stands under /api/v1/ and is an API view of ours."""
    return [e for e in endpoints if e[0].startswith("/api/v1/") and hasattr(e[3].cls, "acts")]
