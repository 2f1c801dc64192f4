"""A small registry of typed operations: validates what comes in, serializes what goes out, and describes both as
OpenAPI 3.1. A route that is not registered here does not exist, so the description cannot fall behind.

An operation with an `action` changes something: it needs an `Idempotency-Key`, happens once for it, is recorded in the
audit in its own transaction, and with `?dry_run=true` is rolled back after it has said what it would do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import models_json_schema
from sanic import Blueprint, HTTPResponse, Request

from core import audit
from core.audit import Change
from core.http.authentication import require
from core.http.problems import CONTENT_TYPE as PROBLEM_TYPE
from core.http.problems import Problem
from core.ops_tokens import Scope
from core.queue import outbox
from core.types import IdempotencyKey

JSON = "application/json"
SCHEMA_REFERENCE = "#/components/schemas/{model}"

Handler: TypeAlias = Callable[..., Awaitable[BaseModel]]

KEY_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[A-Za-z0-9._:-]{8,100}")


class ChangeBody(BaseModel):
    """What the body of every change has in common: why it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(
        description="Why; the audit and the statement keep it.", min_length=3, max_length=500, pattern=r"\S.*\S.*\S"
    )


class ParameterProblem(BaseModel):
    """One value of the request that is wrong."""

    param: str
    message: str


class ProblemSchema(BaseModel):
    """RFC 9457. `code` is stable; `detail` is for people."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str | None = None
    errors: list[ParameterProblem] = Field(default_factory=list, description="What is wrong with each value.")
    near: list[str] = Field(default_factory=list, description="Names that may have been meant.")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    scope: Scope
    answer: type[BaseModel]
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    problems: tuple[int, ...]
    tag: str
    action: str | None = None


class Api:
    """The operations below one prefix, served by `blueprint` and described by `document`."""

    def __init__(self, name: str, *, prefix: str, title: str, description: str) -> None:
        self.blueprint = Blueprint(name, url_prefix=prefix)
        self.operations: list[Operation] = []
        self._prefix = prefix
        self._title = title
        self._description = description

    def operation(
        self,
        method: str,
        path: str,
        *,
        answer: type[BaseModel],
        scope: Scope = Scope.READ,
        query: type[BaseModel] | None = None,
        body: type[BaseModel] | None = None,
        problems: tuple[int, ...] = (),
        tag: str,
        action: str | None = None,
    ) -> Callable[[Handler], Handler]:
        """Serve a coroutine function. It gets the request, the path's parameters, and what it declares of `query` and
        `body`, validated; what it returns is the answer. Its docstring is the description.

        With an `action` the body is a `ChangeBody`, and the function also gets `change`, a `core.audit.Change`. It runs
        inside the change's transaction, so it opens none itself.
        """
        assert action is None or (body is not None and issubclass(body, ChangeBody)), "a change says why"

        def register(handler: Handler) -> Handler:
            summary, _, rest = (handler.__doc__ or "").strip().partition("\n")
            always = (401, 403, 503, *((422,) if query or body else ()), *((400, 413) if body else ()))
            declared = tuple(sorted({*problems, *always, *((409,) if action else ())}))
            name = handler.__name__
            operation = Operation(
                name, method, path, summary, rest.strip(), scope, answer, query, body, declared, tag, action
            )
            self.operations.append(operation)
            served = _served(operation, handler)
            served.__name__ = name
            self.blueprint.add_route(served, re.sub(r"{(\w+)}", r"<\1:str>", path), methods=[method], name=name)
            return handler

        return register

    def document(self, version: str) -> dict[str, Any]:
        """The OpenAPI description of everything registered."""
        models = {model for operation in self.operations for model in _models_of(operation)} | {ProblemSchema}
        ordered = sorted(models, key=lambda model: model.__name__)
        _, definitions = models_json_schema(
            [(model, "serialization") for model in ordered], ref_template=SCHEMA_REFERENCE
        )
        paths: dict[str, dict[str, Any]] = {}
        for operation in self.operations:
            paths.setdefault(self._prefix + operation.path, {})[operation.method.lower()] = _describe(operation)
        return {
            "openapi": "3.1.0",
            "info": {"title": self._title, "version": version, "description": self._description},
            "security": [{"opsToken": []}],
            "paths": paths,
            "components": {
                "schemas": definitions.get("$defs", {}),
                "securitySchemes": {
                    "opsToken": {"type": "http", "scheme": "bearer", "description": "A token that begins with nbk_."}
                },
            },
        }


def _served(operation: Operation, handler: Handler) -> Callable[..., Coroutine[Any, Any, HTTPResponse]]:
    async def serve(request: Request, **path_parameters: str) -> HTTPResponse:
        token = await require(request, operation.scope)
        arguments: dict[str, Any] = dict(path_parameters)
        if operation.action is not None:
            return await _serve_change(operation, handler, request, path_parameters, actor=f"token:{token.name}")
        if operation.query is not None:
            arguments["query"] = _read_query(request, operation.query)
        elif request.args:
            raise _invalid([(name, "this address takes no such parameter") for name in request.args])
        if operation.body is not None:
            arguments["body"] = _read_body(request, operation.body)
        answer = await handler(request, **arguments)
        return HTTPResponse(answer.model_dump_json(), content_type=JSON)

    return serve


async def _serve_change(
    operation: Operation, handler: Handler, request: Request, path_parameters: dict[str, str], *, actor: str
) -> HTTPResponse:
    assert operation.action is not None
    assert operation.body is not None
    query = _read_query(request, _ChangeQuery)
    assert isinstance(query, _ChangeQuery)
    body = _read_body(request, operation.body)
    assert isinstance(body, ChangeBody)
    key = request.headers.get(KEY_HEADER, "")
    if not _KEY.fullmatch(key):
        detail = f"A change needs the header {KEY_HEADER}: 8 to 100 letters, digits or ._:-, new for each change."
        raise Problem(400, detail, code="missing_idempotency_key")
    change = Change(
        actor=actor,
        action=operation.action,
        subject=" ".join(path_parameters.values())[:120],
        reason=body.reason,
        key=IdempotencyKey(f"{actor}:{key}"),
        request=body.model_dump(mode="json", exclude={"reason"}),
    )

    async def perform() -> dict[str, Any]:
        answer = await handler(request, **path_parameters, body=body, change=change)
        return answer.model_dump(mode="json")

    try:
        result = await audit.once(change, perform, dry_run=query.dry_run)
    except audit.ChangeKeyReused as error:
        raise Problem(409, f"{error}.", code="idempotency_key_reused") from None
    if not query.dry_run:
        await outbox.flush()
    return HTTPResponse(json.dumps(result, ensure_ascii=False), content_type=JSON)


class _ChangeQuery(BaseModel):
    """How a change is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dry_run: bool = Field(False, description="Do everything, say what would be, and take it all back.")


def _read_query(request: Request, model: type[BaseModel]) -> BaseModel:
    given = request.get_args(keep_blank_values=True)
    repeated = [(name, "is given more than once") for name, values in given.items() if len(values) > 1]
    if repeated:
        raise _invalid(repeated)
    return _validate(model, {name: values[0] for name, values in given.items()})


def _read_body(request: Request, model: type[BaseModel]) -> BaseModel:
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Problem(400, "The body is not JSON.", code="malformed_json") from None
    if not isinstance(content, dict):
        raise Problem(400, "The body is JSON, but not an object.", code="malformed_json")
    return _validate(model, content)


def _validate(model: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _invalid(
            [
                (".".join(str(part) for part in detail["loc"]) or "body", detail["msg"].removeprefix("Value error, "))
                for detail in error.errors(include_url=False, include_input=False, include_context=False)
            ]
        ) from None


def _invalid(problems: list[tuple[str, str]]) -> Problem:
    detail = "; ".join(f"{param}: {message}" for param, message in problems)
    errors = [{"param": param, "message": message} for param, message in problems]
    return Problem(422, detail, extra={"errors": errors})


def _models_of(operation: Operation) -> list[type[BaseModel]]:
    return [model for model in (operation.answer, operation.body) if model is not None]


def _describe(operation: Operation) -> dict[str, Any]:
    description: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "x-scope": operation.scope.value,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": {
            "200": {"description": "The answer.", "content": {JSON: {"schema": _reference(operation.answer)}}},
            **{str(status): _problem_response(status) for status in operation.problems},
        },
    }
    if operation.description:
        description["description"] = operation.description
    if operation.body is not None:
        description["requestBody"] = {"required": True, "content": {JSON: {"schema": _reference(operation.body)}}}
    return description


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.action is not None:
        return [*_parameters_of(_ChangeQuery), _key_parameter()]
    return [] if operation.query is None else _parameters_of(operation.query)


def _key_parameter() -> dict[str, Any]:
    return {
        "name": KEY_HEADER,
        "in": "header",
        "required": True,
        "description": "New for each change; repeating a change with its key gives the first answer again.",
        "schema": {"type": "string", "pattern": f"^{_KEY.pattern}$"},
    }


def _parameters_of(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", []),
            "description": content.get("description", ""),
            "schema": _inlined({key: value for key, value in content.items() if key != "description"}, definitions),
        }
        for name, content in schema["properties"].items()
    ]


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401  Any JSON.
    """Replace references by what they name: a parameter's schema stands alone."""
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if reference := schema.get("$ref"):
        return _inlined(definitions[str(reference).rpartition("/")[2]], definitions)
    return {key: _inlined(value, definitions) for key, value in schema.items()}


def _problem_response(status: int) -> dict[str, Any]:
    meanings = {
        400: "The request cannot be read.",
        401: "There is no valid token.",
        403: "The token lacks the scope.",
        404: "There is no such thing.",
        409: "It is not as expected: the key, the state or the version belongs to something else.",
        413: "The body is too large.",
        422: "A value is wrong.",
        503: "The service cannot answer at the moment.",
    }
    return {"description": meanings[status], "content": {PROBLEM_TYPE: {"schema": _reference(ProblemSchema)}}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": SCHEMA_REFERENCE.format(model=model.__name__)}
