"""How the bot receives updates: getUpdates or a webhook, never both."""

from __future__ import annotations

import re

from bot.sandbox.documents import JsonObject
from bot.sandbox.keyboards import is_loopback, split_address
from bot.sandbox.methods.registry import method
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import bad_request, conflict
from bot.sandbox.world import World

LONGEST_POLL_SECONDS = 50
PORTS = frozenset({80, 88, 443, 8443})
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


def _allowed(parameters: Parameters) -> list[str] | None:
    kinds = parameters.array("allowed_updates")
    return None if kinds is None else [str(kind) for kind in kinds]


@method("getUpdates")
async def get_updates(world: World, parameters: Parameters) -> list[JsonObject]:
    """Long polling."""
    if world.state.setting("webhook").get("url"):
        raise conflict(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
        )
    world.updates.allow(_allowed(parameters))
    return await world.updates.poll(
        offset=parameters.integer("offset"),
        limit=min(100, max(1, parameters.integer("limit", 100))),
        timeout=min(LONGEST_POLL_SECONDS, parameters.integer("timeout")),
    )


def _check_url(url: str) -> None:
    parts = split_address(url)
    if parts.scheme == "http" and is_loopback(url):
        return
    if parts.scheme != "https" or not parts.hostname:
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if not is_loopback(url) and (parts.port or 443) not in PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")


@method("setWebhook")
async def set_webhook(world: World, parameters: Parameters) -> bool:
    """Push updates from now on; an empty address stops it."""
    url, secret = parameters.text("url"), parameters.text("secret_token")
    if not url:
        return _remove(world, parameters)
    _check_url(url)
    if secret and not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    _drop_pending(world, parameters)
    world.updates.allow(_allowed(parameters))
    webhook: JsonObject = {
        "url": url,
        "secret_token": secret,
        "max_connections": min(100, max(1, parameters.integer("max_connections", 40))),
        "has_custom_certificate": "certificate" in parameters.uploads,
    }
    if parameters.text("ip_address"):
        webhook["ip_address"] = parameters.text("ip_address")
    world.state.put_setting("webhook", webhook)
    world.updates.end_polling()
    world.updates.on_webhook_change()
    return True


@method("deleteWebhook")
async def delete_webhook(world: World, parameters: Parameters) -> bool:
    """Stop pushing; undelivered updates stay unless told otherwise."""
    return _remove(world, parameters)


def _remove(world: World, parameters: Parameters) -> bool:
    _drop_pending(world, parameters)
    world.state.drop_setting("webhook")
    world.updates.on_webhook_change()
    return True


def _drop_pending(world: World, parameters: Parameters) -> None:
    if parameters.flag("drop_pending_updates"):
        world.updates.drop_all()


@method("getWebhookInfo")
async def get_webhook_info(world: World, _parameters: Parameters) -> JsonObject:
    """Where updates go, how many wait, and the last failure."""
    webhook = world.state.setting("webhook")
    info: JsonObject = {
        "url": webhook.get("url", ""),
        "has_custom_certificate": webhook.get("has_custom_certificate", False),
        "pending_update_count": len(world.updates.waiting),
    }
    for key in ("ip_address", "last_error_date", "last_error_message", "max_connections"):
        if key in webhook:
            info[key] = webhook[key]
    kinds = world.state.setting("allowed_updates").get("kinds")
    if kinds:
        info["allowed_updates"] = kinds
    return info
