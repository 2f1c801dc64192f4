"""A small GraphQL engine for emulators: reads a document, holds it against a schema, and answers from plain data.

It is written apart from the product's own reader of documents, so that neither repeats the other's mistake.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "railway_schema.json").read_text("utf-8"))
"""Railway's schema, reduced to the types that are asked for; a field's type is written as in the language."""

LEXEME = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n\r]*|\.\.\.|[A-Za-z_]\w*|-?\d[\d.eE+-]*|[\s,]+|.'
)


class Invalid(Exception):
    """The document does not fit the schema; the message is what a server says."""


@dataclass
class Selection:
    """A field with its arguments and what is selected below it."""

    name: str
    alias: str
    arguments: dict[str, Any] = field(default_factory=dict)
    below: list[Selection] | None = None


@dataclass
class Variable:
    """A reference to a variable."""

    name: str


class Spread(Selection):
    """The place of a fragment."""


class Document:
    """One document: an operation, its variables and its fragments."""

    def __init__(self, text: str) -> None:
        self._words: list[str] = [w for w in LEXEME.findall(text) if not w[0].isspace() and w[0] not in "#,"]
        self.operation = ""
        self.variables: dict[str, str] = {}
        self.fragments: dict[str, tuple[str, list[Selection]]] = {}
        self.selections: list[Selection] = []
        while self._words:
            self._definition()

    def _definition(self) -> None:
        kind = "query" if self._words[0] == "{" else self._take()
        if kind == "fragment":
            name, _, target = self._take(), self._take("on"), self._take()
            self.fragments[name] = (target, self._selections())
            return
        if self.operation:
            raise Invalid("Must provide operation name if query contains multiple operations.")
        self.operation = kind
        if self._words[0] not in "{(":
            self._take()
        if self._words[0] == "(":
            self._take()
            while self._words[0] != ")":
                self._take("$")
                name = self._take()
                self._take(":")
                self.variables[name] = self._type()
            self._take()
        self.selections = self._selections()

    def _type(self) -> str:
        word = self._take()
        if word == "[":
            word += self._type() + self._take("]")
        return word + (self._take() if self._words[0] == "!" else "")

    def _selections(self) -> list[Selection]:
        self._take("{")
        found: list[Selection] = []
        while self._words[0] != "}":
            word = self._take()
            if word == "...":
                name = self._take()
                found.append(Spread(name, name))
                continue
            alias = word
            if self._words[0] == ":":
                self._take()
                word = self._take()
            arguments = self._arguments() if self._words[0] == "(" else {}
            found.append(Selection(word, alias, arguments, self._selections() if self._words[0] == "{" else None))
        self._take()
        return found

    def _arguments(self) -> dict[str, Any]:
        self._take("(")
        found = {}
        while self._words[0] != ")":
            name = self._take()
            self._take(":")
            word = self._take()
            found[name] = Variable(self._take()) if word == "$" else json.loads(word)
        self._take()
        return found

    def _take(self, wanted: str = "") -> str:
        if not self._words:
            raise Invalid("Syntax Error: Unexpected <EOF>.")
        word: str = self._words.pop(0)
        if wanted and word != wanted:
            raise Invalid(f'Syntax Error: Expected "{wanted}", found "{word}".')
        return word


def bare(name: str) -> str:
    """A type without the signs for lists and for what is required."""
    return name.strip("[]!").replace("]", "").replace("!", "")


def validate(document: Document, variables: Mapping[str, Any] | None = None) -> None:
    """Hold a document, and the variables where there are some, against the schema.

    Raises:
        Invalid: they do not fit.
    """
    if document.operation != "query":
        raise Invalid(f"a {document.operation} reached Railway")
    _selections(document, document.selections, SCHEMA["query"])
    for name, kind in document.variables.items():
        if bare(kind) not in SCHEMA["types"]:
            raise Invalid(f'Unknown type "{bare(kind)}".')
        if variables is not None:
            _value(name, kind, variables.get(name))


def _selections(document: Document, selections: list[Selection], type_name: str) -> None:
    fields = SCHEMA["types"][type_name].get("fields", {})
    for selection in selections:
        if isinstance(selection, Spread):
            target, below = document.fragments[selection.name]
            if target != type_name:
                raise Invalid(f'Fragment "{selection.name}" cannot be spread here.')
            _selections(document, below, type_name)
            continue
        known = fields.get(selection.name)
        if known is None:
            raise Invalid(f'Cannot query field "{selection.name}" on type "{type_name}".')
        _arguments(document, selection, known.get("args", {}))
        inner = SCHEMA["types"].get(bare(known["type"]), {"kind": "OBJECT"})
        if (inner["kind"] == "OBJECT") != (selection.below is not None):
            raise Invalid(f'Field "{selection.name}" must have a selection of subfields exactly when it is an object.')
        if selection.below is not None:
            _selections(document, selection.below, bare(known["type"]))


def _arguments(document: Document, selection: Selection, known: Mapping[str, str]) -> None:
    for name, value in selection.arguments.items():
        if name not in known:
            raise Invalid(f'Unknown argument "{name}" on field "{selection.name}".')
        if isinstance(value, Variable):
            declared = document.variables.get(value.name)
            if declared is None:
                raise Invalid(f'Variable "${value.name}" is not defined.')
            if declared.rstrip("!") != known[name].rstrip("!") or (known[name].endswith("!") > declared.endswith("!")):
                raise Invalid(f'Variable "${value.name}" of type "{declared}" used where "{known[name]}" is expected.')
    for name, kind in known.items():
        if kind.endswith("!") and name not in selection.arguments:
            raise Invalid(f'Argument "{name}" of type "{kind}" is required on "{selection.name}".')


def _value(name: str, kind: str, value: Any) -> None:
    if value is None:
        if kind.endswith("!"):
            raise Invalid(f'Variable "${name}" of required type "{kind}" was not provided.')
        return
    inputs = SCHEMA["types"][bare(kind)].get("inputs")
    if inputs is not None:
        for key, inner in value.items():
            if key not in inputs:
                raise Invalid(f'Field "{key}" is not defined by type "{bare(kind)}".')
            _value(f"{name}.{key}", inputs[key], inner)
    elif {"String": str, "Int": int, "ID": str}.get(bare(kind), type(value)) is not type(value):
        raise Invalid(f'Variable "${name}" got invalid value; expected type "{kind}".')


Resolver = Callable[..., Any]


def execute(document: Document, variables: Mapping[str, Any], resolvers: Mapping[str, Resolver]) -> dict[str, Any]:
    """Answer a valid document: each field of the root by its resolver, everything below from what that returned."""
    answer = {}
    for selection in document.selections:
        arguments = {
            name: variables.get(value.name) if isinstance(value, Variable) else value
            for name, value in selection.arguments.items()
        }
        answer[selection.alias] = _shaped(document, selection.below or [], resolvers[selection.name](**arguments))
    return answer


def _shaped(document: Document, selections: list[Selection], value: Any) -> Any:
    if isinstance(value, list):
        return [_shaped(document, selections, item) for item in value]
    if not selections or value is None:
        return value
    shaped: dict[str, Any] = {}
    for selection in selections:
        if isinstance(selection, Spread):
            shaped |= _shaped(document, document.fragments[selection.name][1], value)
        else:
            shaped[selection.alias] = _shaped(document, selection.below or [], value[selection.name])
    return shaped
