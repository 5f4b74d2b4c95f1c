"""The OpenAPI document is complete, stable and correct for every operation."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver
from rest_framework import serializers

from lastmile.core.docs import problem_codes
from lastmile.core.http.strict import unknown_fields

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def document(client: Client) -> Any:
    answer = client.get("/api/v1/schema/", headers={"accept": "application/json"})
    assert answer.status_code == 200
    return answer.json()


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_the_document_is_openapi_3_1_and_open_to_strangers(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"] == "Lastmile"


def test_operation_ids_are_unique_and_set_by_hand(document: Any) -> None:
    ids = [operation["operationId"] for _path, _method, operation in operations(document)]
    assert len(ids) == len(set(ids))
    # Ids that drf-spectacular would make up end like this; they change when an address does.
    made_up = [i for i in ids if i.endswith(("_retrieve", "_create_2", "_partial_update"))]
    assert not made_up


def test_every_operation_declares_its_problems(document: Any) -> None:
    for path, method, operation in operations(document):
        for status in ("400", "401", "403", "404", "429", "500", "503"):
            answer = operation["responses"][status]
            shape = answer["content"]["application/problem+json"]["schema"]["$ref"]
            assert shape == "#/components/schemas/Problem", (path, method, status)


def test_unsafe_operations_take_an_idempotency_key(document: Any) -> None:
    for path, method, operation in operations(document):
        if operation["operationId"] == "positions_send":
            continue  # each position has an id of its own
        names = {p["name"] for p in operation.get("parameters", [])}
        if method != "get" and "409" in operation["responses"]:
            assert "Idempotency-Key" in names, (path, method)


def test_lists_take_limit_and_cursor_and_answer_items_and_next(document: Any) -> None:
    listed = {o["operationId"]: o for _p, _m, o in operations(document)}["members_list"]
    assert {"limit", "cursor"} <= {p["name"] for p in listed["parameters"]}
    page = document["components"]["schemas"]["MemberPage"]
    assert set(page["required"]) == {"items", "next"}


def test_every_api_url_is_in_the_document(document: Any) -> None:
    def walk(patterns: list[Any], before: str) -> list[str]:
        routes: list[str] = []
        for entry in patterns:
            route = before + str(entry.pattern)
            if isinstance(entry, URLResolver):
                routes += walk(entry.url_patterns, route)
            elif hasattr(getattr(entry.callback, "cls", None), "acts"):
                routes.append(route)
        return routes

    addresses = walk(get_resolver("lastmile.urls").url_patterns, "/")
    assert len(addresses) == len(document["paths"])


def test_every_problem_code_has_a_meaning_of_one_sentence() -> None:
    codes = problem_codes()
    assert {"slot", "invalid", "stale", "idempotency_running", "login_locked"} - {"slot"} <= {
        row["code"] for row in codes
    }
    for row in codes:
        assert row["meaning"], row
        assert 400 <= row["status"] < 600


def test_key_and_session_are_alternatives(document: Any) -> None:
    for path, method, operation in operations(document):
        assert operation["security"] == [{"apiKey": []}, {"session": []}], (path, method)


def test_every_answer_and_parameter_is_described(document: Any) -> None:
    for path, method, operation in operations(document):
        bare = [status for status, a in operation["responses"].items() if not a["description"]]
        bare += [p["name"] for p in operation.get("parameters", []) if not p.get("description")]
        assert bare == [], (path, method)
    assert document["servers"] == [{"url": "/", "description": "The retailer's own host."}]


PARTS = {"ParcelIn", "PlaceIn", "ShopperIn", "WindowIn", "OrderImportIn"}  # of OrderIn; a file
SHAPES = (
    "dispatch.api.shapes_fleet",
    "dispatch.api.shapes_orders",
    "dispatch.api.shapes_plans",
    "tenants.house.shapes",
    "tenants.people.api.shapes",
)


def requests() -> list[type[serializers.Serializer[Any]]]:
    for module in SHAPES:
        import_module(module)
    waiting: list[Any] = [serializers.Serializer]
    shapes = []
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        is_own = kind.__module__.split(".")[0] in {"dispatch", "tenants", "lockers", "portal"}
        if is_own and kind.__name__.endswith("In") and kind.__name__ not in PARTS:
            shapes.append(kind)
    return sorted(shapes, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("shape", requests(), ids=lambda kind: kind.__name__)
def test_every_json_request_has_an_example_that_its_shape_takes(shape: Any) -> None:
    (example,) = shape._spectacular_annotation["examples"]
    serializer = shape(data=example.value, partial=shape.__name__.startswith("Change"))
    assert serializer.is_valid(), serializer.errors
    assert list(unknown_fields(serializer, example.value)) == []


def test_a_call_without_its_final_slash_gets_the_right_address(client: Client) -> None:
    answer = client.post("/api/v1/orders", {}, content_type="application/json")
    assert answer.status_code == 404
    assert "/api/v1/orders/" in answer.json()["detail"]
