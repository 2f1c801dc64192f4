"""Reads `multipart/form-data` as liberally as Telegram: file names in any alphabet, with and without quotes.

Sanic's own reader takes a file whose bare name is not ASCII for a text, and then loses the whole form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import decode_rfc2231
from urllib.parse import unquote

from bot.sandbox.parameters import Upload
from bot.sandbox.refusals import bad_request

_PARAMETER = re.compile(r';\s*([\w-]+\*?)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^;]*))')
_ESCAPED = re.compile(r'\\(["\\])')
_NO_FORM = "can't parse the form: "


@dataclass
class Form:
    """Texts by their names, and files in their order: a name may come several times."""

    texts: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, Upload]] = field(default_factory=list)


def read_form(content_type: str, body: bytes) -> Form:
    """Read a form.

    Raises:
        Refused: it has no end or no boundary, or a text is not UTF-8.
    """
    form = Form()
    for head, content in _parts(content_type, body):
        headers = _headers(head)
        _, named = _options(headers.get("content-disposition", ""))
        name = named.get("name")
        if name is None:
            continue
        file_name = _file_name(named)
        if file_name is None:
            form.texts.setdefault(name, _text(content))
        else:
            mime, _ = _options(headers.get("content-type", ""))
            form.files.append((name, Upload(file_name or "file", mime.lower(), content)))
    return form


def _parts(content_type: str, body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Headers and content of each part."""
    boundary = _options(content_type)[1].get("boundary")
    if not boundary:
        raise bad_request(_NO_FORM + "boundary not found")
    delimiter = b"\r\n--" + boundary.encode()
    # The first delimiter may stand at the very beginning, without a line before it.
    start = len(delimiter) - 2 if body.startswith(delimiter[2:]) else _after(body, delimiter, 0)
    while not body.startswith(b"--", start):
        end = _after(body, delimiter, start) - len(delimiter)
        blank = body.find(b"\r\n\r\n", start, end)
        if blank < 0:
            raise bad_request(_NO_FORM + "a part without headers")
        yield body[start:blank], body[blank + 4 : end]
        start = end + len(delimiter)


def _after(body: bytes, delimiter: bytes, start: int) -> int:
    found = body.find(delimiter, start)
    if found < 0:
        raise bad_request(_NO_FORM + "it has no end")
    return found + len(delimiter)


def _headers(head: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in _text(head).split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _options(value: str) -> tuple[str, dict[str, str]]:
    """A header's value and what follows it after semicolons."""
    main, semicolon, rest = value.partition(";")
    options = {}
    for match in _PARAMETER.finditer(semicolon + rest):
        name, quoted, bare = match.groups()
        written = bare.strip() if quoted is None else _ESCAPED.sub(r"\1", quoted)
        # Browsers escape so what would end the header.
        options[name.lower()] = written.replace("%22", '"').replace("%0D%0A", "\n")
    return main.strip(), options


def _file_name(options: dict[str, str]) -> str | None:
    if "filename" in options or "filename*" not in options:
        return options.get("filename")
    encoding, _, written = decode_rfc2231(options["filename*"])
    return unquote(written, encoding=encoding or "utf-8")


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise bad_request("strings must be encoded in UTF-8") from None
