"""Where providers tell that something changed: one address each, whose last part only we and the provider know.

What arrives there is believed in nothing: it only makes the next poll earlier (see `core.generations.webhooks`).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from core.settings import Settings

PATH = "/api/providers/{name}/webhook/{secret}"
SECRET_DIGITS = 40


@dataclass(slots=True)
class _Place:
    base: str = ""
    key: bytes = b""


_place = _Place()


def connect(settings: Settings) -> None:
    """Derive the secrets from the bot's token, which every process has. Without a way in, no address is given out."""
    token = settings.telegram_bot_token.get_secret_value().encode()
    _place.key = hmac.digest(token, b"nanobanana provider webhooks", hashlib.sha256)
    _place.base = settings.public_base_url if settings.takes_provider_webhooks else ""


def address(provider: str) -> str | None:
    """Return where a provider may tell about its jobs, None where it could not reach us."""
    if not _place.base:
        return None
    return _place.base + PATH.format(name=provider, secret=_secret(provider))


def is_secret(provider: str, secret: str) -> bool:
    """Say whether a secret is the provider's, in a time that tells nothing about it."""
    return hmac.compare_digest(_secret(provider).encode(), secret.encode(errors="replace"))


def _secret(provider: str) -> str:
    return hmac.new(_place.key, provider.encode(), hashlib.sha256).hexdigest()[:SECRET_DIGITS]
