"""Signed links to files: `/media/<key>?expires=<unix time>&signature=<HMAC>` to read one, and with `most` and `mime` to
put one."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

from core.settings import Settings


class Links:
    """Signs and checks links with a key derived from the bot's token, which every process has."""

    def __init__(self, settings: Settings) -> None:
        token = settings.telegram_bot_token.get_secret_value().encode()
        self._key = hmac.digest(token, b"nanobanana media links", hashlib.sha256)
        self._upload_key = hmac.digest(token, b"nanobanana media uploads", hashlib.sha256)
        self._base = settings.public_base_url

    def make(self, key: str, lifetime: timedelta) -> str:
        """Return a link to `key` that works until `lifetime` is over."""
        expires = int(time.time() + lifetime.total_seconds())
        query = urlencode({"expires": expires, "signature": self._sign(key, expires)})
        return f"{self._base}/media/{quote(key)}?{query}"

    def is_valid(self, key: str, expires: str, signature: str) -> bool:
        """True when we made the link and its time is not over."""
        return _is_number(expires) and self._matches(self._sign(key, int(expires)), signature, expires)

    def ticket(self, key: str, mime: str, most_bytes: int, lifetime: timedelta) -> tuple[str, datetime]:
        """Return a link under which a file of that type and at most that size may be put, and when it ends."""
        expires = int(time.time() + lifetime.total_seconds())
        signature = self._sign_upload(key, mime, most_bytes, expires)
        query = urlencode({"mime": mime, "most": most_bytes, "expires": expires, "signature": signature})
        return f"{self._base}/media/{quote(key)}?{query}", datetime.fromtimestamp(expires, UTC)

    def is_valid_ticket(self, key: str, mime: str, most_bytes: str, expires: str, signature: str) -> bool:
        """True when we made the ticket and its time is not over."""
        if not _is_number(expires) or not _is_number(most_bytes):
            return False
        return self._matches(self._sign_upload(key, mime, int(most_bytes), int(expires)), signature, expires)

    def _matches(self, expected: str, signature: str, expires: str) -> bool:
        is_ours = hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
        return is_ours and int(expires) >= time.time()

    def _sign(self, key: str, expires: int) -> str:
        return _digest(self._key, f"{key}\n{expires}")

    def _sign_upload(self, key: str, mime: str, most_bytes: int, expires: int) -> str:
        return _digest(self._upload_key, f"{key}\n{mime}\n{most_bytes}\n{expires}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()[:40]
