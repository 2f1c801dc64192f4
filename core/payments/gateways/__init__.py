"""The gateways that this process can use: those with credentials that the settings switch on."""

from __future__ import annotations

from collections.abc import Callable

from core.payments.gateways.base import (
    Gateway,
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
    Invoice,
    MalformedNotice,
    Notice,
    Outcome,
    Receipt,
    RefundIsManual,
    WebGateway,
)
from core.settings import Settings

_gateways: dict[str, Gateway] = {}


class GatewayNotConfigured(Exception):
    """A payment names a gateway that has no credentials here or is switched off."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The gateway {name!r} is not configured here")
        self.name = name


def connect(settings: Settings) -> None:
    """Make a client of every gateway that the settings allow."""
    _gateways.clear()
    for build in _BUILDERS:
        gateway = build(settings)
        if gateway is not None:
            _gateways[gateway.name] = gateway


def use(gateway: Gateway) -> None:
    """Put a gateway in place of a configured one."""
    _gateways[gateway.name] = gateway


def get(name: str) -> Gateway:
    """Return a gateway by its name.

    Raises:
        GatewayNotConfigured: there is none here.
    """
    try:
        return _gateways[name]
    except KeyError:
        raise GatewayNotConfigured(name) from None


def everything() -> list[Gateway]:
    """The configured gateways."""
    return list(_gateways.values())


def of_the_web() -> list[WebGateway]:
    """The configured gateways that have a webhook and a page."""
    return [gateway for gateway in _gateways.values() if isinstance(gateway, WebGateway)]


def of_page(name: str) -> WebGateway | None:
    """Return the gateway of that name, if it is configured and has a webhook and a page."""
    gateway = _gateways.get(name)
    return gateway if isinstance(gateway, WebGateway) else None


async def disconnect() -> None:
    """Close the clients' connections."""
    for gateway in _gateways.values():
        await gateway.close()
    _gateways.clear()


def _stars(settings: Settings) -> Gateway | None:
    from core.payments.gateways.stars import StarsGateway

    return StarsGateway(settings.telegram_bot_token.get_secret_value(), base_url=settings.telegram_api_base_url)


def _lava(settings: Settings) -> Gateway | None:
    if not settings.lava_enabled:
        return None
    from core.payments.gateways.lava import LavaGateway

    assert settings.lava_api_key is not None, "the settings demand it"
    assert settings.lava_webhook_secret is not None, "the settings demand it"
    return LavaGateway(
        settings.lava_api_key.get_secret_value(),
        settings.lava_webhook_secret.get_secret_value(),
        base_url=settings.lava_api_base_url,
        pages_url=settings.public_base_url,
    )


_BUILDERS: tuple[Callable[[Settings], Gateway | None], ...] = (_stars, _lava)

__all__ = [
    "Gateway",
    "GatewayError",
    "GatewayNotConfigured",
    "GatewayRefused",
    "GatewayUnavailable",
    "Invoice",
    "MalformedNotice",
    "Notice",
    "Outcome",
    "Receipt",
    "RefundIsManual",
    "WebGateway",
    "connect",
    "disconnect",
    "everything",
    "get",
    "of_page",
    "of_the_web",
    "use",
]
