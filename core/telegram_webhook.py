"""Where Telegram sends updates, and which: the one description of it in the project, how to look, how to put it right.

Workers keep it right by themselves (`bot.subscription`); here operators look at it and do it at once. The bot token and
the secret never leave this module: Telegram's own words are passed on without the address, which holds the token.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import httpx

from core import redis
from core.logs import get_logger
from core.settings import Settings

logger = get_logger(__name__)

PATH: Final = "/api/telegram/webhook"

UPDATES: Final = (
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "pre_checkout_query",
    "subscription",
)
"""The kinds of updates that are asked for."""

CONNECTIONS: Final = 40
FINGERPRINT: Final = "nb:webhook"
"""Where it is remembered which secret Telegram was given last; Telegram itself does not tell."""

TIMEOUT: Final = 5.0
BACKLOG: Final = 100
"""Updates that may wait at Telegram before it is a finding: at forty connections they are a few seconds."""

RECENT_SECONDS: Final = 300
"""An error of Telegram's deliveries that is older is history."""

SecretState = Literal["same", "differs", "unknown", "unread"]


class TelegramAway(Exception):
    """Telegram could not be asked, or did not do what it was asked for."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """What Telegram says about our webhook, and what it should say.

    Attributes:
        expected_url: empty where updates are fetched, not pushed.
        secret: whether Telegram was last given the secret that is in force; unknown where nobody remembers,
            and unread where Redis, which may remember, does not answer.
    """

    url: str
    expected_url: str
    allowed_updates: tuple[str, ...]
    max_connections: int | None
    pending: int
    last_error: str | None
    last_error_at: datetime | None
    has_certificate: bool
    ip_address: str | None
    secret: SecretState


@dataclass(frozen=True, slots=True)
class Difference:
    """A value at Telegram that is not as it should be. Of the secret only that it differs is told."""

    field: str
    found: str
    expected: str


async def look(settings: Settings, client: httpx.AsyncClient) -> Webhook:
    """Ask Telegram.

    Raises:
        TelegramAway: it did not answer.
    """
    info = await _call(settings, client, "getWebhookInfo", {})
    if not isinstance(info, dict):
        raise TelegramAway("Telegram answered something that is no description of a webhook")
    at, updates = info.get("last_error_date"), info.get("allowed_updates")
    connections = info.get("max_connections")
    return Webhook(
        url=str(info.get("url") or ""),
        expected_url=expected_url(settings),
        allowed_updates=tuple(str(kind) for kind in updates) if isinstance(updates, list) else (),
        max_connections=connections if isinstance(connections, int) else None,
        pending=int(info.get("pending_update_count") or 0),
        last_error=str(info["last_error_message"]) if info.get("last_error_message") else None,
        last_error_at=datetime.fromtimestamp(at, UTC) if isinstance(at, int) else None,
        has_certificate=bool(info.get("has_custom_certificate")),
        ip_address=str(info["ip_address"]) if info.get("ip_address") else None,
        secret=await _secret_state(settings),
    )


async def put_right(settings: Settings, client: httpx.AsyncClient) -> None:
    """Have updates pushed to our address. Those that wait at Telegram are kept.

    Raises:
        TelegramAway: it did not do it, or its answer was lost.
    """
    await _call(
        settings,
        client,
        "setWebhook",
        {
            "url": expected_url(settings),
            "secret_token": settings.telegram_webhook_secret.get_secret_value(),
            "allowed_updates": list(UPDATES),
            "max_connections": CONNECTIONS,
        },
    )
    await remember(fingerprint(settings))
    logger.info("webhook_set", url=expected_url(settings))


def differences(webhook: Webhook) -> list[Difference]:
    """What `put_right` would change."""
    found = []
    if webhook.url != webhook.expected_url:
        found.append(Difference("url", webhook.url or "none", webhook.expected_url or "none"))
    if not webhook.expected_url:
        return found
    if set(webhook.allowed_updates) != set(UPDATES):
        now = ", ".join(webhook.allowed_updates) or "Telegram's own choice"
        found.append(Difference("allowed_updates", now, ", ".join(UPDATES)))
    if webhook.max_connections != CONNECTIONS:
        found.append(Difference("max_connections", str(webhook.max_connections or "none"), str(CONNECTIONS)))
    if webhook.has_certificate:
        found.append(Difference("certificate", "a custom one", "none"))
    if webhook.secret != "same":  # noqa: S105  A state, not a secret.
        found.append(Difference("secret", told(webhook.secret), "same"))
    return found


def told(state: SecretState) -> Literal["same", "differs", "unknown"]:
    """The state as operators are told it: why it is not known is a matter of the checks' words."""
    return "unknown" if state == "unread" else state


def expected_url(settings: Settings) -> str:
    """Where updates should go; empty where they are fetched."""
    return settings.public_base_url + PATH if settings.telegram_updates == "webhook" else ""


def fingerprint(settings: Settings) -> str:
    """What tells one address and secret from another without telling either."""
    secret = settings.telegram_webhook_secret.get_secret_value()
    return hashlib.sha256(f"{settings.public_base_url + PATH}|{secret}".encode()).hexdigest()


async def remembered() -> str | None:
    """The fingerprint of what Telegram was told last; None when nobody knows."""
    try:
        return await _read()
    except redis.UNAVAILABLE:
        return None


async def _read() -> str | None:
    async with asyncio.timeout(redis.LOOK_TIMEOUT):
        value: str | None = await redis.client().get(FINGERPRINT)
    return value


async def remember(value: str) -> None:
    """Keep the fingerprint of what Telegram was told; without Redis it is told once more later."""
    try:
        await redis.client().set(FINGERPRINT, value)
    except redis.UNAVAILABLE as error:
        logger.warning("webhook_not_remembered", error=type(error).__name__)


async def _secret_state(settings: Settings) -> SecretState:
    try:
        known = await _read()
    except redis.UNAVAILABLE:
        return "unread"
    if known is None:
        return "unknown"
    return "same" if known == fingerprint(settings) else "differs"


async def _call(settings: Settings, client: httpx.AsyncClient, method: str, parameters: Mapping[str, Any]) -> object:
    token = settings.telegram_bot_token.get_secret_value()
    address = f"{settings.telegram_api_base_url}/bot{token}/{method}"
    try:
        response = await client.post(address, json=dict(parameters), timeout=TIMEOUT)
        answer = response.json()
    except (httpx.HTTPError, ValueError) as error:
        # Only the kind of error: its words may hold the address, and that holds the token.
        raise TelegramAway(f"Telegram could not be asked: {type(error).__name__}") from None
    if not isinstance(answer, dict) or answer.get("ok") is not True:
        said = answer.get("description") if isinstance(answer, dict) else None
        raise TelegramAway(f"Telegram refused {method}: {said or f'HTTP {response.status_code}'}"[:300])
    return answer.get("result")
