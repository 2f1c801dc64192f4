"""One HTTP request over the standard library: the status, the headers and the body, or why there was no answer.

Shared by the client of our own service and by those of the platforms. It repeats nothing, follows no redirect and never
asks this machine's own addresses through a proxy; what an answer means is left to the client.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from email.message import Message
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import IO

from cli.environments import LOOPBACK

MOST_BYTES = 10 * 1024 * 1024
"""A longer answer is not one that was asked for."""

CLOCK_TOLERANCE_S = 60.0
"""Tokens and moments are compared by both clocks; less than this is told nobody."""


class NoAnswer(Exception):
    """Nothing usable came back: `code` is `timeout`, `unreachable` or `broken_answer`, the message continues a name."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what


def opener_for(url: str) -> urllib.request.OpenerDirector:
    """What requests to this address are sent with."""
    host = urllib.parse.urlsplit(url).hostname
    proxies = urllib.request.ProxyHandler({} if host in LOOPBACK else None)
    return urllib.request.build_opener(proxies, _NoRedirect())


def exchange(
    opener: urllib.request.OpenerDirector, request: urllib.request.Request, *, timeout: float
) -> tuple[int, Message, bytes]:
    """Send the request once and read the whole answer within `timeout` seconds; any status is an answer.

    Raises:
        NoAnswer: there was none.
    """
    deadline = monotonic() + timeout
    try:
        try:
            response = opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            return int(response.status or 0), response.headers, _read(response, deadline)
    except TimeoutError:
        raise NoAnswer("timeout", f"did not answer within {timeout:g} s") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
            # It was reached, and may have read what was sent.
            raise NoAnswer("broken_answer", f"broke the connection: {_reason(error.reason)}") from None
        if isinstance(error.reason, TimeoutError):
            raise NoAnswer("timeout", f"did not answer within {timeout:g} s") from None
        raise NoAnswer("unreachable", f"cannot be reached: {_reason(error.reason)}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer("broken_answer", f"broke the connection: {_reason(error)}") from None


def decoded(content: bytes, headers: Message) -> object | None:
    """The JSON of an answer, None where it is none."""
    if "json" not in headers.get_content_type():
        return None
    try:
        found: object = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found


def retry_after(headers: Message) -> float | None:
    """Seconds that the answer asks to wait. A date is counted from the answer's own, not from our clock."""
    value = headers.get("Retry-After", "").strip()
    if value.isdigit() or not value:
        return float(value) if value else None
    try:
        until, said = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, until.timestamp() - said.timestamp())


def clock_skew(headers: Message, asked_at: float) -> float:
    """Seconds that the other side's clock is ahead of ours, 0 for what is no more than the way and rounding.

    Its moment has to lie between the question, at `asked_at`, and now: a slow answer is no wrong clock.
    """
    try:
        theirs = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    skew = theirs - min(max(theirs, asked_at), time.time())
    return skew if abs(skew) > CLOCK_TOLERANCE_S else 0.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """A redirect is an answer, not an order."""


def _read(response: http.client.HTTPResponse | urllib.error.HTTPError, deadline: float) -> bytes:
    """Read the body; a server that sends a byte now and then does not hold us longer than the deadline."""
    parts, size = [], 0
    while part := response.read1(65536):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise ValueError("the answer is longer than 10 MB")
        if monotonic() > deadline:
            raise TimeoutError
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)


def _reason(error: object) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "the name does not resolve"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, http.client.IncompleteRead):
        return "the answer ended early"
    return type(error).__name__
