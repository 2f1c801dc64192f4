"""Parameters of a Bot API call, however they came: query string, form, multipart or JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.documents import JsonObject
from bot.sandbox.refusals import bad_request


@dataclass(frozen=True)
class Upload:
    """A file inside the request."""

    name: str
    mime: str
    body: bytes


def whole_number(value: object) -> int:
    """A number as Telegram reads one: what is none, or has no end, counts as 0."""
    try:
        return int(str(value))
    except ValueError:
        pass
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return 0


@dataclass
class Parameters:
    """Typed reading of a call's parameters. Empty strings count as absent, as in Telegram."""

    values: JsonObject
    uploads: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """A string; numbers and booleans of a JSON body are written out."""
        value = self.values.get(name, default)
        if value is None:
            return default
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def integer(self, name: str, default: int = 0) -> int:
        """A whole number; what is none counts as 0, as in Telegram."""
        value = self.text(name)
        return whole_number(value) if value else default

    def flag(self, name: str) -> bool:
        """A boolean."""
        return self.text(name).strip().lower() in {"true", "yes", "1"}

    def _parsed(self, name: str) -> Any:  # noqa: ANN401 - any JSON value; the two callers below check its type
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from error

    def object(self, name: str) -> JsonObject | None:
        """A JSON object, given as such or as a string."""
        value = self._parsed(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise bad_request(f"object expected as {name.replace('_', ' ')}")
        return value

    def array(self, name: str) -> list[Any] | None:
        """A JSON array, given as such or as a string."""
        value = self._parsed(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise bad_request(f"expected an Array of {name.replace('_', ' ')}")
        return value

    def objects(self, name: str) -> list[JsonObject]:
        """A JSON array of objects; nothing counts as an empty one."""
        items = self.array(name) or []
        if not all(isinstance(item, dict) for item in items):
            raise bad_request(f"object expected in {name.replace('_', ' ')}")
        return items

    def shown(self) -> JsonObject:
        """The parameters for the calls log: JSON strings opened, files described, secrets left out."""
        shown: JsonObject = {}
        for name, value in self.values.items():
            if name == "secret_token":
                shown[name] = "***"
            elif isinstance(value, str) and value[:1] in {"{", "["}:
                shown[name] = _opened(value)
            else:
                shown[name] = value
        for name, upload in self.uploads.items():
            shown[name] = {"file_name": upload.name, "mime_type": upload.mime, "bytes": len(upload.body)}
        return shown


def _opened(value: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
