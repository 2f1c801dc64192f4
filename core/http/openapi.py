"""A small registry of typed operations: validates what comes in, serializes what goes out, and describes both as
OpenAPI 3.1. A route that is not registered here does not exist, so the description cannot fall behind.

An operation with an `action` changes something, so it needs an `Idempotency-Key` and happens once for it. Who may ask,
and how a change is made, an API's `Gate` knows: see `core.http.ops.api` and `core.http.app.api`.
"""

from __future__ import annotations

import gzip
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar
from unicodedata import category

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.json_schema import models_json_schema
from sanic import Blueprint, HTTPResponse, Request

from core.http.problems import CONTENT_TYPE as PROBLEM_TYPE
from core.http.problems import Problem
from core.ops_tokens import Scope

JSON = "application/json"
SCHEMA_REFERENCE = "#/components/schemas/{model}"

Handler: TypeAlias = Callable[..., Awaitable[BaseModel]]
Caller = TypeVar("Caller")
"""Who asks, as an API knows them."""

KEY_HEADER = "Idempotency-Key"
SHORTEST_COMPRESSED = 4096
COMPRESSION = 4
"""Level of gzip: a list of models shrinks to a seventh within a third of a millisecond."""

DEEPEST = 20
"""Levels of a body. What we take has four."""

MOST_DIGITS = 30
"""Digits before or after the point that a number of a change may have; each field's own limits are far below."""

_NO_TEXT = re.compile("[\\x00\\ud800-\\udfff]")
_KEY = re.compile(r"[A-Za-z0-9._:-]{8,100}")


class ChangeBody(BaseModel):
    """What the body of every change has in common: why it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(
        description="Why; the audit and the statement keep it.", min_length=3, max_length=500, pattern=r"\S.*\S.*\S"
    )

    @field_validator("reason")
    @classmethod
    def _is_one_line(cls, reason: str) -> str:
        """Refuse what would break a table or turn a line of it round."""
        if any(category(letter) in {"Cc", "Cf", "Zl", "Zp"} for letter in reason):
            raise ValueError("is one line without control characters")
        return reason

    @field_validator("*")
    @classmethod
    def _can_be_kept(cls, value: object) -> object:
        """Refuse what the declared limits let through and no column or calendar holds: 1e-999999999, and a last day of
        the year 9999 that is a day later in UTC."""
        if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > MOST_DIGITS:
            raise ValueError("is no amount")
        if isinstance(value, datetime) and value.tzinfo is not None:
            try:
                value.astimezone(UTC)
            except OverflowError:
                raise ValueError("is beyond the calendar") from None
        return value


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
    """One method of one path. `action` names what it changes, None where it changes nothing."""

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
    status: int = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A request to an operation, read and valid. `key` is there where the operation has an action."""

    operation: Operation
    handler: Handler
    request: Request
    path: Mapping[str, str]
    query: BaseModel | None
    body: BaseModel | None
    key: str

    async def perform(self, **more: Any) -> BaseModel:  # noqa: ANN401  What a gate hands to its handlers.
        """Run the handler with what it declared, and with what the gate adds."""
        arguments: dict[str, Any] = {**self.path, **more}
        if self.query is not None and self.operation.action is None:
            arguments["query"] = self.query
        if self.body is not None:
            arguments["body"] = self.body
        return await self.handler(self.request, **arguments)


class Gate(ABC, Generic[Caller]):
    """Knows who may ask an API, and how a change is made once.

    Attributes:
        name: of the security scheme in the description.
        scheme: that scheme, as OpenAPI describes it.
        problems: statuses that every operation may answer with, beside 401, 403 and 503.
        change_query: what the query of every change may hold; the gate reads it, handlers do not get it.
        change_body: what the body of every change is at least.
    """

    name: ClassVar[str]
    scheme: ClassVar[Mapping[str, Any]]
    problems: ClassVar[tuple[int, ...]] = ()
    change_query: ClassVar[type[BaseModel] | None] = None
    change_body: ClassVar[type[BaseModel]] = BaseModel

    @abstractmethod
    async def admit(self, request: Request, operation: Operation) -> Caller:
        """Return who asks.

        Raises:
            Problem: they are not known, or may not ask this.
        """

    @abstractmethod
    async def answer(self, call: Call, caller: Caller) -> str:
        """Run the operation and return its answer as JSON.

        Raises:
            Problem: see the operation.
        """


class Api:
    """The operations below one prefix, served by `blueprint` and described by `document`."""

    def __init__(self, name: str, *, prefix: str, title: str, description: str, gate: Gate[Any]) -> None:
        self.blueprint = Blueprint(name, url_prefix=prefix)
        self.operations: list[Operation] = []
        self._prefix = prefix
        self._title = title
        self._description = description
        self._gate = gate

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
        status: int = 200,
    ) -> Callable[[Handler], Handler]:
        """Serve a coroutine function. It gets the request, the path's parameters, and what it declares of `query` and
        `body`, validated; what it returns is the answer. Its docstring is the description.

        What else it gets, and what the body of an operation with an `action` has to be, the API's gate says.
        """
        gate = self._gate
        assert action is None or (body is not None and issubclass(body, gate.change_body)), "a change says why"

        def register(handler: Handler) -> Handler:
            summary, _, rest = (handler.__doc__ or "").strip().partition("\n")
            # Even an address that takes no parameters says so of those that it is given.
            always = (401, 403, 422, 503, *gate.problems, *((400, 413) if body else ()))
            declared = tuple(sorted({*problems, *always, *((409,) if action else ())}))
            name = handler.__name__
            asked = query if action is None else gate.change_query
            operation = Operation(
                name, method, path, summary, rest.strip(), scope, answer, asked, body, declared, tag, action, status
            )
            self.operations.append(operation)
            served = _served(operation, handler, gate)
            served.__name__ = name
            uri = re.sub(r"{(\w+)}", r"<\1:str>", path)
            self.blueprint.add_route(served, uri, methods=[method], name=name, unquote=True)
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
            "security": [{self._gate.name: []}],
            "paths": paths,
            "components": {
                "schemas": definitions.get("$defs", {}),
                "securitySchemes": {self._gate.name: dict(self._gate.scheme)},
            },
        }


def _served(
    operation: Operation, handler: Handler, gate: Gate[Caller]
) -> Callable[..., Coroutine[Any, Any, HTTPResponse]]:
    async def serve(request: Request, **path: str) -> HTTPResponse:
        caller = await gate.admit(request, operation)
        # What no text holds names nothing; the operation says that it knows none of that name.
        path = {name: _NO_TEXT.sub("\ufffd", value) for name, value in path.items()}
        if operation.query is None and request.args:
            raise _invalid([(name, "this address takes no such parameter") for name in request.args])
        query = None if operation.query is None else _read_query(request, operation.query)
        body = None if operation.body is None else _read_body(request, operation.body)
        key = "" if operation.action is None else _read_key(request)
        call = Call(operation, handler, request, path, query, body, key)
        return _compressed(request, await gate.answer(call, caller), operation.status)

    return serve


def _compressed(request: Request, text: str, status: int) -> HTTPResponse:
    """An answer, compressed for whoever can read that and where it saves more than it costs."""
    body = text.encode()
    headers = {}
    if len(body) >= SHORTEST_COMPRESSED:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in str(request.headers.get("accept-encoding", "")).lower():
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, COMPRESSION)
    return HTTPResponse(body, status, headers=headers, content_type=JSON)


def _read_key(request: Request) -> str:
    key: str = request.headers.get(KEY_HEADER, "")
    if not _KEY.fullmatch(key):
        detail = f"A change needs the header {KEY_HEADER}: 8 to 100 letters, digits or ._:-, new for each change."
        raise Problem(400, detail, code="missing_idempotency_key")
    return key


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
    if flaw := _flaw(content):
        raise _invalid([("body", flaw)])
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


def _flaw(content: Any) -> str:  # noqa: ANN401  Any JSON.
    """Say what keeps a body from being stored and sent back. JSON has NUL and halves of characters, text has not."""
    waiting = [(content, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            return "is nested too deeply"
        if isinstance(value, str) and _NO_TEXT.search(value):
            return "holds a character that no text has"
        parts = [*value, *value.values()] if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        waiting += [(part, depth + 1) for part in parts]
    return ""


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
            str(operation.status): {
                "description": "The answer.",
                "content": {JSON: {"schema": _reference(operation.answer)}},
            },
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
    query = [] if operation.query is None else _parameters_of(operation.query)
    return query if operation.action is None else [*query, _key_parameter()]


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
        401: "Nobody knows who asks: what says so is missing, wrong or too old.",
        402: "The balance does not pay for it.",
        403: "Who asks may not do this.",
        404: "There is no such thing.",
        409: "It is not as expected: the key, the state or the version belongs to something else.",
        413: "The body is too large.",
        422: "A value is wrong.",
        429: "Too many requests; `Retry-After` says when to come again.",
        502: "A service that is needed for this said no.",
        503: "The service cannot answer at the moment.",
    }
    return {"description": meanings[status], "content": {PROBLEM_TYPE: {"schema": _reference(ProblemSchema)}}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": SCHEMA_REFERENCE.format(model=model.__name__)}
