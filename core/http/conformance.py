"""What a request's head must look like (RFC 9112). Sanic takes more, and a proxy in front of us may read it otherwise.

Two readings of one head are how a request is smuggled: `Content-Length : 5` is a length to one of them and an unknown
header to the other, which then takes the body for the next request.
"""

from __future__ import annotations

import re
from typing import Final

from sanic.compat import Header
from sanic.exceptions import BadRequest

_HEAD: Final = re.compile(rb"[^\0\r\n]*+(?:\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[^\0\r\n]*+)*+")
"""The request line and the header lines: each with a name that is a token, right before its colon, and none folded."""


def check_head(head: bytes, headers: Header, version: str) -> None:
    """Refuse a head that could be read in two ways.

    Raises:
        BadRequest: a header line is malformed, the length is no number, or it is not said once whom it is for.
    """
    if _HEAD.fullmatch(head) is None:
        raise BadRequest("A header line is malformed.")
    length = headers.get("content-length")
    if length is not None and not (length.isascii() and length.strip(" \t").isdigit()):
        raise BadRequest("Content-Length is not a number.")
    hosts = len(headers.getall("host", ()))
    if hosts > 1 or (hosts == 0 and version != "1.0"):
        raise BadRequest("A request names one Host.")
