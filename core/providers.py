"""The providers that this process can call: those with credentials, and the demonstration where it is allowed."""

from __future__ import annotations

from collections.abc import Callable

from core.settings import Settings
from providers.base import Provider

_providers: dict[str, Provider] = {}


class ProviderNotConfigured(Exception):
    """A route leads to a provider that has no credentials here."""


def connect(settings: Settings) -> None:
    """Make a client of every provider that the settings allow."""
    _providers.clear()
    for name, build in _BUILDERS.items():
        provider = build(settings)
        if provider is not None:
            _providers[name] = provider


def use(name: str, provider: Provider) -> None:
    """Put a provider in place of a configured one."""
    _providers[name] = provider


def get(name: str) -> Provider:
    """Return a provider by the name that routes give it."""
    try:
        return _providers[name]
    except KeyError:
        raise ProviderNotConfigured(name) from None


def names() -> frozenset[str]:
    """Names of the configured providers."""
    return frozenset(_providers)


async def disconnect() -> None:
    """Close the clients' connections."""
    for provider in _providers.values():
        await provider.close()
    _providers.clear()


def _demo(settings: Settings) -> Provider | None:
    if not settings.demo_provider:
        return None
    from providers.demo import DemoProvider

    return DemoProvider(settings.home / "demo")


def _gemini(settings: Settings) -> Provider | None:
    if settings.gemini_api_key is None:
        return None
    from providers.gemini import GeminiProvider

    return GeminiProvider(settings.gemini_api_key.get_secret_value(), base_url=settings.gemini_base_url)


_BUILDERS: dict[str, Callable[[Settings], Provider | None]] = {"gemini": _gemini, "demo": _demo}
