"""What the platforms' clients share: a read with bounded repeats, and failures that never show the token."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
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

TOO_MANY = 429
FEW_LEFT = 20
"""Requests that are left below which they are spread over the time until there are more."""

LONGEST_SPREAD_S = 60.0
CLOCK_TOLERANCE_S = 60.0
FIRST_EPOCH = 1_000_000_000
"""A smaller number in a header is no moment: it counts seconds from now."""


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """What a platform answered: status, headers, and the JSON, None where it is none."""

    status: int
    headers: Message
    content: object | None


@dataclass(slots=True)
class Observed:
    """What headers of the last answer told: how many requests are left until when, and how far our clock is off."""

    limit: int | None = None
    remaining: int | None = None
    resets_in_s: float | None = None
    skew_s: float = 0.0
    """Seconds that the platform's clock is ahead of ours; small differences are the way's, and are 0."""

    def note(self, headers: Message) -> None:
        """Read the headers of an answer; what they do not tell stays as it was."""
        now = time.time()
        limit, remaining = headers.get("X-RateLimit-Limit", ""), headers.get("X-RateLimit-Remaining", "")
        self.limit = int(limit) if limit.isdigit() else self.limit
        self.remaining = int(remaining) if remaining.isdigit() else self.remaining
        theirs = moment_of(headers.get("Date", ""))
        if theirs is not None:
            skew = theirs - now
            self.skew_s = skew if abs(skew) > CLOCK_TOLERANCE_S else 0.0
        reset = moment_of(headers.get("X-RateLimit-Reset", ""), now=now)
        if reset is not None:
            self.resets_in_s = max(0.0, reset - now - self.skew_s)

    def pause_s(self) -> float:
        """How long to wait between two looks so that what is left lasts until there is more."""
        if self.remaining is None or self.resets_in_s is None or self.remaining >= FEW_LEFT:
            return 0.0
        return min(LONGEST_SPREAD_S, self.resets_in_s / max(1, self.remaining))

    def as_meta(self) -> dict[str, float | None]:
        """The budget for machines."""
        return {"limit": self.limit, "remaining": self.remaining, "resets_in_s": self.resets_in_s}


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform's address and what is sent with every request. The credential is in `headers` and nowhere else."""

    name: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    secret: str | None = field(repr=False)
    timeout: float
    pause: Callable[[float], None] = field(default=time.sleep, repr=False)
    seen: Observed = field(default_factory=Observed, repr=False, compare=False)

    source = "rest"

    @property
    def is_signed_in(self) -> bool:
        """Whether somebody's rights go with a request."""
        return self.secret is not None

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
            last, wanted = attempt == ATTEMPTS, 0.0
            try:
                status, headers, content = exchange(opener, self._request(path, body), timeout=self.timeout)
            except NoAnswer as silence:
                if last or silence.code != "broken_answer":
                    raise self.fault(silence.code, silence.what) from None
            else:
                self.seen.note(headers)
                if last or not _is_worth_repeating(status, retry_after(headers)):
                    return PlatformAnswer(status, headers, decoded(content, headers))
                wanted = retry_after(headers) or 0.0
            # Half a second and a second, spread so that many readers do not come back together.
            self.pause(max(wanted, 0.5 * attempt * uniform(0.8, 1.2)))
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


def moment_of(text: str, *, now: float = 0.0) -> float | None:
    """A time of a header in seconds since 1970: an HTTP date, an ISO date, such seconds, or seconds from `now`."""
    text = text.strip()
    if text.isdigit():
        return float(text) if int(text) > FIRST_EPOCH else now + float(text)
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(text.replace("Z", "+00:00") if text.endswith("Z") else text)
        except (ValueError, TypeError):
            continue
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    return None


def _is_worth_repeating(status: int, wanted: float | None) -> bool:
    """A gateway's trouble is; a limit of the rate only when the platform itself says that it is over at once."""
    if wanted is not None and wanted > LONGEST_PAUSE_S:
        return False
    return status in REPEATED or (status == TOO_MANY and wanted is not None)
