"""The description of the ops API holds together by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from core.http.ops import blueprint
from core.http.ops.api import api

DOCUMENT = api.document("1.2.3")

HEAD = {
    "type": "object",
    "required": ["openapi", "info", "paths", "components"],
    "properties": {
        "openapi": {"const": "3.1.0"},
        "info": {"type": "object", "required": ["title", "version"]},
        "paths": {
            "type": "object",
            "propertyNames": {"pattern": "^/"},
            "additionalProperties": {
                "type": "object",
                "propertyNames": {"enum": ["get", "post", "put", "patch", "delete"]},
                "additionalProperties": {"$ref": "#/$defs/operation"},
            },
        },
        "components": {"type": "object", "required": ["schemas", "securitySchemes"]},
    },
    "$defs": {
        "operation": {
            "type": "object",
            "required": ["operationId", "summary", "responses", "tags"],
            "properties": {
                "operationId": {"type": "string", "pattern": "^[a-z_]+$"},
                "summary": {"type": "string", "pattern": r"\.$"},
                "parameters": {"type": "array", "items": {"$ref": "#/$defs/parameter"}},
                "requestBody": {"type": "object", "required": ["content"]},
                "responses": {
                    "type": "object",
                    "required": ["200", "401", "403", "503"],
                    "propertyNames": {"pattern": "^[1-5][0-9]{2}$"},
                    "additionalProperties": {"type": "object", "required": ["description", "content"]},
                },
            },
        },
        "parameter": {
            "type": "object",
            "required": ["name", "in", "schema"],
            "properties": {"in": {"enum": ["query", "path", "header", "cookie"]}},
            "if": {"properties": {"in": {"const": "path"}}},
            "then": {"properties": {"required": {"const": True}}, "required": ["required"]},
        },
    },
}


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from _nodes(child)


def _operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ]


def test_it_has_the_structure_of_openapi_3_1() -> None:
    Draft202012Validator(HEAD).validate(DOCUMENT)


def test_every_reference_leads_somewhere() -> None:
    names = {node["$ref"] for node in _nodes(DOCUMENT) if "$ref" in node}

    assert names
    for name in names:
        assert name.removeprefix("#/components/schemas/") in DOCUMENT["components"]["schemas"]


def test_every_schema_is_a_json_schema() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for _, _, operation in _operations():
        for parameter in operation["parameters"]:
            Draft202012Validator.check_schema(parameter["schema"])


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in _operations()]

    assert len(names) == len(set(names)) == len(api.operations)


def test_parameters_of_a_path_are_declared() -> None:
    for path, _, operation in _operations():
        declared = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))


def test_no_route_is_served_that_is_not_described() -> None:
    served = {str(route.uri) for route in blueprint._future_routes}

    assert served == {re.sub(r"{(\w+)}", r"<\1:str>", operation.path) for operation in api.operations} | {
        "/openapi.json"
    }


def test_money_is_text_and_times_are_text() -> None:
    item = DOCUMENT["components"]["schemas"]["GenerationItem"]["properties"]

    assert item["tokens"]["type"] == "string"
    assert item["created_at"]["type"] == "string"
    assert {option["type"] for option in item["cost_usd"]["anyOf"]} == {"string", "null"}


@pytest.mark.parametrize(("name", "expected"), [("limit", "integer"), ("cursor", "string"), ("user", "integer")])
def test_query_parameters_say_what_they_take(name: str, expected: str) -> None:
    parameters = DOCUMENT["paths"]["/api/ops/v1/generations"]["get"]["parameters"]
    (parameter,) = [parameter for parameter in parameters if parameter["name"] == name]

    assert expected in str(parameter["schema"])
    assert parameter["description"]
    assert parameter["required"] is False
