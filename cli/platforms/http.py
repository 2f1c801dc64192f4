"""What the platforms' clients share: a read with bounded repeats, and failures that never show the token."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from random import uniform
from urllib.parse import urlsplit

from cli.environments import LOOPBACK
from cli.errors import UpstreamFault, UsageMistake
from cli.exchange import NoAnswer, decoded, exchange, opener_for, retry_after
from cli.version import VERSION

REPEATED = frozenset({502, 503, 504})
"""A gateway between us and the platform was in trouble for a moment; a read may be repeated."""

ATTEMPTS = 3
LONGEST_PAUSE_S = 5.0
"""A platform that asks for a longer pause is told of, not waited for."""


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """What a platform answered: status, headers, and the JSON, None where it is none."""

    status: int
    headers: Message
    content: object | None


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform's address and what is sent with every request. The credential is in `headers` and nowhere else."""

    name: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    secret: str | None = field(repr=False)
    timeout: float
    pause: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise UsageMistake(f"the address of {self.name} is no http address", code="bad_address")
        if self.secret and parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise UsageMistake(
                f"the token would travel unencrypted to {self.name} ({parts.hostname})", fix="use an https:// address"
            )

    def read(self, path: str, body: Mapping[str, object] | None = None) -> PlatformAnswer:
        """Ask, and ask again twice where a gateway failed or a connection broke; any other status is an answer.

        Raises:
            UpstreamFault: nothing usable came back.
        """
        opener = opener_for(self.url)
        attempt = 1
        while True:
            last = attempt == ATTEMPTS
            try:
                status, headers, content = exchange(opener, self._request(path, body), timeout=self.timeout)
            except NoAnswer as silence:
                if last or silence.code != "broken_answer":
                    raise self.fault(silence.code, silence.what) from None
            else:
                wanted = retry_after(headers)
                if last or status not in REPEATED or (wanted is not None and wanted > LONGEST_PAUSE_S):
                    return PlatformAnswer(status, headers, decoded(content, headers))
            # Half a second and a second, spread so that many readers do not come back together.
            self.pause(0.5 * attempt * uniform(0.8, 1.2))
            attempt += 1

    def _request(self, path: str, body: Mapping[str, object] | None) -> urllib.request.Request:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data)  # noqa: S310  http(s) only, checked above
        request.add_header("User-Agent", f"nb/{VERSION}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in self.headers.items():
            request.add_unredirected_header(name, value)
        return request

    def fault(self, code: str, what: str, *, wait_s: float | None = None) -> UpstreamFault:
        """The fault of this platform, without its token."""
        words = self.masked(f"{self.name} ({urlsplit(self.url).netloc}) {what}")
        return UpstreamFault(words, code=f"{self.name.lower()}_{code}", retry_after=wait_s)

    def masked(self, text: str) -> str:
        """Text of the platform without our token, should it repeat it."""
        return text.replace(self.secret, "[token]") if self.secret else text
