"""GitHub through its own program `gh`, for whoever signed in with it and has no token: the same requests, sent by it.

`nb` never signs anybody in. Where nobody is, the request goes out without a token and sees what is public.
"""

from __future__ import annotations

import json
import re
from email.message import Message

from cli.errors import UpstreamFault
from cli.invocation import warn
from cli.platforms.http import Observed, Platform, PlatformAnswer
from cli.platforms.programs import Program

STATUS_LINE = re.compile(r"HTTP/\d(?:\.\d)? (\d{3})\b")


class ThroughProgram:
    """Sends what `platform` would send through `gh`; where that gives no answer, `platform` itself does."""

    def __init__(self, program: Program, platform: Platform, host: str) -> None:
        self._program = program
        self._platform = platform
        self._host = host
        self._is_used: bool | None = None

    @property
    def source(self) -> str:
        """Where the answers came from."""
        return "cli" if self._is_used else "rest"

    @property
    def is_signed_in(self) -> bool:
        """Whether somebody's rights go with a request."""
        return bool(self._is_used)

    @property
    def seen(self) -> Observed:
        """What the headers told."""
        return self._platform.seen

    def read(self, path: str) -> PlatformAnswer:
        """Ask.

        Raises:
            UpstreamFault: nothing usable came back.
        """
        answer = None if self._is_used is False else self._asked(path)
        if answer is None:
            self._is_used = self._is_used or False
            return self._platform.read(path)
        if not self._is_used:
            self._is_used = True
            warn("CLI_FALLBACK", "there is no GitHub token: asked through the program gh")
        self._platform.seen.note(answer.headers)
        return answer

    def fault(self, code: str, what: str, *, wait_s: float | None = None) -> UpstreamFault:
        """The fault of the platform."""
        return self._platform.fault(code, what, wait_s=wait_s)

    def masked(self, text: str) -> str:
        """Text of the platform; the token is the program's, and we do not know it."""
        return self._platform.masked(text)

    def _asked(self, path: str) -> PlatformAnswer | None:
        headers = [
            part for name, value in sorted(self._platform.headers.items()) for part in ("-H", f"{name}: {value}")
        ]
        said = self._program.run(
            "api", "--method", "GET", "--include", "--hostname", self._host, *headers, path.lstrip("/")
        )
        return _answer(said.out)


def _answer(text: str) -> PlatformAnswer | None:
    """What `gh api --include` printed: a status line, headers, an empty line and the body. Its exit code says less."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    status = STATUS_LINE.match(first)
    if status is None:
        return None
    headers = Message()
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip()] = value.strip()
    try:
        content: object | None = json.loads(body)
    except ValueError:
        content = None
    return PlatformAnswer(int(status[1]), headers, content)
