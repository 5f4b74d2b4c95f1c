"""The parts of the OpenAPI document that every operation shares: problems, keys, paging."""

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
    description="1 to 255 printable ASCII characters, such as a UUID; required with an API key. "
    "The same key and body within 24 hours return the first answer again, with "
    "`Idempotency-Replayed: true`.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="ETag of the version that you read; 412 if it has changed since.",
)
LIMIT = OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 100; default 50.")
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next`; opaque.")


def example(**value: Any) -> Callable[[T], T]:
    """Return a decorator that adds an example body to a request serializer.

    A test checks each example against its serializer.
    """
    mark: Any = extend_schema_serializer(
        examples=[OpenApiExample("Example", value=value, request_only=True)]
    )
    return mark  # type: ignore[no-any-return]


@cache
def page_of(item: type[serializers.BaseSerializer[Any]]) -> serializers.Serializer[Any]:
    """Return the serializer of a page of ``item``: ``{"items": […], "next": url | null}``."""
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
    """An error in one field of the input."""

    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the body.")
    code = serializers.CharField()
    detail = serializers.CharField()


@extend_schema_serializer(component_name="Problem")
class ProblemOut(serializers.Serializer[Any]):
    """A problem response (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable code for programs.")
    detail = serializers.CharField(help_text="Cause and remedy, for people.")
    errors = FieldProblemOut(many=True, required=False)  # type: ignore[assignment]


class LastmileSchema(AutoSchema):
    """Adds to each operation the parameters and responses of the base view and problem handler."""

    def get_override_parameters(self) -> list[Any]:
        """Add paging parameters to lists, and Idempotency-Key to unsafe methods."""
        parameters = list(super().get_override_parameters())
        if self.method in UNSAFE and getattr(self.view, "idempotent", True):
            parameters.append(IDEMPOTENCY_KEY)
        if type(self._answers().get(200)).__name__.endswith(("Page", "FeedOut")):
            parameters.append(LIMIT)
        if type(self._answers().get(200)).__name__.endswith("Page"):
            parameters.append(CURSOR)
        return parameters

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Return API key and session as alternatives: separate entries mean "or"."""
        return [{"apiKey": []}, {"session": []}] if super().get_auth() else []

    def _resolve_path_parameters(self, variables: Any) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]
        for parameter in parameters:
            parameter.setdefault("description", _IN_PATH.get(parameter["name"], _IN_PATH["ref"]))
        return parameters

    def _answers(self) -> dict[Any, Any]:
        responses: Any = self.get_response_serializers()
        return responses if isinstance(responses, dict) else {200: responses}

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for code, body in bodies.items():
            body["description"] = body.get("description") or _DONE.get(code, "")
        for status in self._refusals():
            bodies.setdefault(str(status), self._problem(status))
        return bodies

    def _refusals(self) -> list[int]:
        statuses = [400, 401, 403, 404, 406, 429, 500, 503]
        if self.method in UNSAFE:
            statuses += [409, 413, 415, 422]
        else:
            statuses += [422]
        if any(p.name == "If-Match" for p in self.get_override_parameters()):
            statuses.append(412)
        return sorted(statuses)

    def _problem(self, status: int) -> dict[str, Any]:
        component = self.resolve_serializer(ProblemOut, "response")  # type: ignore[no-untyped-call]
        return {
            "description": _MEANING[status],
            "content": {"application/problem+json": {"schema": component.ref}},
        }


_IN_PATH = {
    "public_id": "The `id` of the resource.",
    "ref": "The `id` of the resource, or `external_id:` and your own id.",
    "order": "The order's `id`.",
}
_DONE = {
    "200": "Done.",
    "201": "Created; `Location` is its address.",
    "202": "Accepted; the operation shows the progress.",
    "204": "Done; there is no content.",
}
_MEANING = {
    400: "The request is malformed, or the Idempotency-Key is missing.",
    401: "The request has no valid session or API key.",
    403: "You are authenticated, but you are not allowed to do this.",
    404: "It does not exist, or you do not have access.",
    406: "The API answers in application/json only.",
    409: "Someone else was first, or the first call with this Idempotency-Key is still running.",
    412: "If-Match names an old version.",
    413: "The body is too large for one call.",
    415: "The API accepts application/json only.",
    422: "Some values are not valid; `errors` lists each one.",
    429: "Too many calls; see Retry-After.",
    500: "An error on our side; `reference` finds it in our logs.",
    503: "Temporarily unavailable; see Retry-After.",
}


class PrincipalScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The description of the two ways to authenticate, API key and session cookie."""

    target_class = "tenants.people.authentication.PrincipalAuthentication"
    name = ["apiKey", "session"]  # type: ignore[assignment]

    def get_security_definition(self, auto_schema: Any) -> Any:
        """Return the definitions of API key and session cookie."""
        session = "The session cookie of a signed-in member."
        return [
            {"type": "http", "scheme": "bearer", "description": "An API key: lm_…"},
            {"type": "apiKey", "in": "cookie", "name": "sid", "description": session},
        ]


def only_v1(endpoints: list[Any]) -> list[Any]:
    """Keep only the API views of Lastmile under /api/v1/ (drf-spectacular hook)."""
    return [e for e in endpoints if e[0].startswith("/api/v1/") and hasattr(e[3].cls, "acts")]
