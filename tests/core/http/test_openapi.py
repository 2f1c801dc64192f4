"""The descriptions of the ops API and of the Mini App's hold together by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from core.http.app.api import api as app_api
from core.http.openapi import Api
from core.http.ops.api import api as ops_api

DOCUMENTS = {"ops": ops_api.document("1.2.3"), "app": app_api.document("1.2.3")}
each_document = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
each_api = pytest.mark.parametrize("api", [ops_api, app_api], ids=["ops", "app"])

Document = dict[str, Any]

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
                    "required": ["401", "403", "503"],
                    "anyOf": [{"required": ["200"]}, {"required": ["201"]}],
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


def _operations(document: Document) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


@each_document
def test_it_has_the_structure_of_openapi_3_1(document: Document) -> None:
    Draft202012Validator(HEAD).validate(document)


@each_document
def test_every_reference_leads_somewhere(document: Document) -> None:
    names = {node["$ref"] for node in _nodes(document) if "$ref" in node}

    assert names
    for name in names:
        assert name.removeprefix("#/components/schemas/") in document["components"]["schemas"]


@each_document
def test_every_schema_is_a_json_schema(document: Document) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for _, _, operation in _operations(document):
        for parameter in operation["parameters"]:
            Draft202012Validator.check_schema(parameter["schema"])


@each_api
def test_operations_have_names_of_their_own(api: Api) -> None:
    names = [operation["operationId"] for _, _, operation in _operations(api.document("1.2.3"))]

    assert len(names) == len(set(names)) == len(api.operations)


@each_document
def test_parameters_of_a_path_are_declared(document: Document) -> None:
    for path, _, operation in _operations(document):
        declared = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))


@each_api
def test_changes_need_a_key_and_may_conflict(api: Api) -> None:
    described = {operation["operationId"]: operation for _, _, operation in _operations(api.document("1.2.3"))}

    for operation in api.operations:
        description = described[operation.name]
        headers = {parameter["name"] for parameter in description["parameters"] if parameter["in"] == "header"}
        assert ("Idempotency-Key" in headers) is (operation.action is not None), operation.name
        assert operation.action is None or {"400", "409", "422"} <= description["responses"].keys()


@pytest.mark.parametrize(
    ("name", "scheme", "kind"), [("ops", "opsToken", "http"), ("app", "initData", "apiKey")], ids=["ops", "app"]
)
def test_each_says_how_its_callers_prove_who_they_are(name: str, scheme: str, kind: str) -> None:
    document = DOCUMENTS[name]

    assert document["security"] == [{scheme: []}]
    assert document["components"]["securitySchemes"][scheme]["type"] == kind


@each_api
def test_no_route_is_served_that_is_not_described(api: Api) -> None:
    served = {str(route.uri) for route in api.blueprint._future_routes}

    assert served == {re.sub(r"{(\w+)}", r"<\1:str>", operation.path) for operation in api.operations} | {
        "/openapi.json"
    }


def test_money_is_text_and_times_are_text() -> None:
    item = DOCUMENTS["ops"]["components"]["schemas"]["GenerationItem"]["properties"]

    assert item["tokens"]["type"] == "string"
    assert item["created_at"]["type"] == "string"
    assert {option["type"] for option in item["cost_usd"]["anyOf"]} == {"string", "null"}


@pytest.mark.parametrize(("name", "expected"), [("limit", "integer"), ("cursor", "string"), ("user", "integer")])
def test_query_parameters_say_what_they_take(name: str, expected: str) -> None:
    parameters = DOCUMENTS["ops"]["paths"]["/api/ops/v1/generations"]["get"]["parameters"]
    (parameter,) = [parameter for parameter in parameters if parameter["name"] == name]

    assert expected in str(parameter["schema"])
    assert parameter["description"]
    assert parameter["required"] is False
