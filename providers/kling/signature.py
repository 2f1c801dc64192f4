"""The token that signs every request to Kling: a JWT of our own making, HS256, good for half an hour."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

TOKEN_SECONDS = 1800
RENEW_BEFORE_SECONDS = 300


@dataclass
class Signature:
    """Makes the token that signs a request, and follows Kling's clock when ours is found to be wrong."""

    access_key: str
    secret_key: str = field(repr=False)
    clock: Callable[[], float]
    _ahead: float = 0.0
    _token: str = field(default="", repr=False)
    _expires: float = 0.0

    def headers(self) -> dict[str, str]:
        """Return the header of a signed request."""
        now = self.clock() + self._ahead
        if now > self._expires - RENEW_BEFORE_SECONDS:
            self._expires = now + TOKEN_SECONDS
            self._token = self._signed(int(now))
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self, date: str | None) -> None:
        """Sign anew next time, by the clock of the server that refused the last token."""
        self._expires = 0.0
        try:
            self._ahead = parsedate_to_datetime(date or "").timestamp() - self.clock()
        except (TypeError, ValueError):
            self._ahead = 0.0

    def _signed(self, now: int) -> str:
        payload = {"iss": self.access_key, "exp": now + TOKEN_SECONDS, "nbf": now - 5}
        parts = [_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, payload)]
        signed = hmac.new(self.secret_key.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
        return ".".join([*parts, _encoded(signed)])


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
