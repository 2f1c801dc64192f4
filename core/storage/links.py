"""Signed links to files: `/media/<key>?expires=<unix time>&signature=<HMAC>`."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import timedelta
from urllib.parse import quote, urlencode

from core.settings import Settings


class Links:
    """Signs and checks links with a key derived from the bot's token, which every process has."""

    def __init__(self, settings: Settings) -> None:
        token = settings.telegram_bot_token.get_secret_value().encode()
        self._key = hmac.digest(token, b"nanobanana media links", hashlib.sha256)
        self._base = settings.public_base_url

    def make(self, key: str, lifetime: timedelta) -> str:
        """Return a link to `key` that works until `lifetime` is over."""
        expires = int(time.time() + lifetime.total_seconds())
        query = urlencode({"expires": expires, "signature": self._sign(key, expires)})
        return f"{self._base}/media/{quote(key)}?{query}"

    def is_valid(self, key: str, expires: str, signature: str) -> bool:
        """True when we made the link and its time is not over."""
        if not expires.isascii() or not expires.isdigit() or len(expires) > 12:
            return False
        expected = self._sign(key, int(expires)).encode()
        return hmac.compare_digest(expected, signature.encode(errors="replace")) and int(expires) >= time.time()

    def _sign(self, key: str, expires: int) -> str:
        return hmac.new(self._key, f"{key}\n{expires}".encode(errors="surrogatepass"), hashlib.sha256).hexdigest()[:40]
