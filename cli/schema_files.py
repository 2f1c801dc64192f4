"""JSON Schemas of the documents that commands print: made from the shapes, committed under `cli/schemas`.

`python -m cli.schema_files` writes them; a test fails when they and the shapes differ.
"""

import json
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from cli.exit_codes import ExitCode

FOLDER = Path(__file__).resolve().parent / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean"}


def envelope_schema(command: str, data: dict[str, Any] | None) -> dict[str, Any]:
    """Schema of the document of a command. On failure `data` may be empty or partial, and `error` says why."""
    text = {"type": "string"}
    maybe_text = {"type": ["string", "null"]}
    properties: dict[str, Any] = {
        "schema": {"const": "nb/1"},
        "command": {"const": command} if data is not None else text,
        "env": maybe_text,
        "ok": {"type": "boolean"},
        "exit_code": {"enum": [int(code) for code in ExitCode]},
        "data": {"type": "object"},
        "warnings": {"type": "array", "items": _closed({"code": text, "message": text})},
        "error": {
            "anyOf": [
                {"type": "null"},
                _closed(
                    {
                        "code": text,
                        "message": text,
                        "rule": maybe_text,
                        "transient": {"type": "boolean"},
                        "fix": maybe_text,
                    }
                ),
            ]
        },
        "next": {"type": "array", "items": _closed({"cmd": text, "why": text})},
        "meta": {
            "type": "object",
            "properties": {
                "at": text,
                "duration_ms": {"type": "number"},
                "version": text,
                "run_id": text,
                "agent": text,
                "retry_after_s": {"type": "number"},
            },
            "required": ["at", "duration_ms", "version", "run_id"],
        },
    }
    schema = {"$schema": DIALECT, "title": f"nb {command.replace('.', ' ')}", **_closed(properties)}
    succeeded: dict[str, Any] = {"properties": {"exit_code": {"const": 0}, "error": {"type": "null"}}}
    if data is not None:
        succeeded["properties"]["data"] = data
    schema["if"] = {"properties": {"ok": {"const": True}}}
    schema["then"] = succeeded
    meant = {"type": "array", "items": text, "minItems": 1}
    schema["else"] = {
        "properties": {
            "exit_code": {"not": {"const": 0}},
            "error": {"type": "object"},
            # What was probably meant by a name that nothing has.
            "data": {"properties": {"near": meant}},
        }
    }
    return schema


def shape_schema(shape: Any) -> dict[str, Any]:  # noqa: ANN401  A shape may be any type form.
    """Schema of a shape. Objects are open: a newer service may say more."""
    origin = get_origin(shape)
    if is_typeddict(shape):
        return {
            "type": "object",
            "properties": {name: shape_schema(expected) for name, expected in get_type_hints(shape).items()},
            "required": [name for name in get_type_hints(shape) if name in shape.__required_keys__],
        }
    if origin is list:
        return {"type": "array", "items": shape_schema(get_args(shape)[0])}
    if origin is dict or shape is dict:
        return {"type": "object"}
    if origin is Literal:
        return {"enum": list(get_args(shape))}
    if origin in (Union, UnionType):
        choices = [choice for choice in get_args(shape) if choice is not NoneType]
        return {"anyOf": [*(shape_schema(choice) for choice in choices), {"type": "null"}]}
    if shape is Any:
        return {}
    return {"type": SIMPLE[shape]}


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by file name."""
    from cli.shapes import SHAPES

    made = {f"{command}.json": envelope_schema(command, shape_schema(shape)) for command, shape in SHAPES.items()}
    return {"envelope.json": envelope_schema("nb", None), **made}


def committed(command: str) -> dict[str, Any] | None:
    """The committed schema of a command, None when there is none."""
    path = FOLDER / f"{command}.json"
    if path.parent != FOLDER or not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def commands() -> list[str]:
    """Commands that have a schema."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def text_of(schema: dict[str, Any]) -> str:
    """A schema as the file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write() -> None:
    """Write every schema and remove those of commands that are gone."""
    FOLDER.mkdir(exist_ok=True)
    made = schemas()
    for name, schema in made.items():
        (FOLDER / name).write_text(text_of(schema), "utf-8")
    for path in FOLDER.glob("*.json"):
        if path.name not in made:
            path.unlink()


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


if __name__ == "__main__":
    write()
