"""The providers that this process can call: those with credentials, and the demonstration where it is allowed.

An adapter is imported and built when it is first called, so that a process which only takes orders loads none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from core.logs import get_logger
from core.settings import Settings
from providers.base import Failed, Finished, Job, Provider, Running, Submitted
from providers.errors import AuthFailed, ModelRetired, ProviderError

log = get_logger(__name__)

Make = Callable[[], Provider]

_makers: dict[str, Make] = {}
_providers: dict[str, Provider] = {}
_not_offered: set[str] = set()
"""Providers that work for the test user of `nb smoke` only."""
_hosts: set[str] = set()

DEMO = "demo"


class ProviderNotConfigured(Exception):
    """A route leads to a provider that has no credentials here."""


def connect(settings: Settings) -> None:
    """Find out which providers the settings allow."""
    _providers.clear()
    _makers.clear()
    _not_offered.clear()
    _hosts.clear()
    _hosts.update(settings.provider_hosts)
    if settings.makes_smoke_generations and not settings.demo_provider:
        _not_offered.add(DEMO)
    for name, configure in _CONFIGURE.items():
        make = configure(settings)
        if make is not None:
            _makers[name] = make


def use(name: str, provider: Provider) -> None:
    """Put a provider in place of a configured one."""
    _providers[name] = provider


def get(name: str) -> Provider:
    """Return a provider by the name that routes give it; the first call makes its client."""
    if name not in _providers:
        make = _makers.get(name)
        if make is None:
            raise ProviderNotConfigured(name)
        _providers[name] = make()
    return _providers[name]


async def submit(name: str, job: Job) -> Submitted | Finished:
    """Hand a job to a provider.

    Raises:
        ProviderError: see `providers.base.Provider`; `ModelRetired` without credentials here.
    """
    try:
        provider = get(name)
    except ProviderNotConfigured:
        raise ModelRetired(f"{name} is not configured here") from None
    return await provider.submit(job)


async def poll(name: str, external_id: str) -> Running | Finished | Failed:
    """Ask a provider how a job stands.

    Raises:
        ProviderError: see `providers.base.Provider`; `AuthFailed` without credentials here.
    """
    return await _with_credentials(name).poll(external_id)


async def find(name: str, client_id: str) -> str | None:
    """Look a job up by our own id.

    Raises:
        LookupUnsupported: the provider cannot tell.
        ProviderError: see `providers.base.Provider`; `AuthFailed` without credentials here.
    """
    return await _with_credentials(name).find(client_id)


def _with_credentials(name: str) -> Provider:
    """Return a provider that has a job of ours. Its credentials may be gone, and come back before the deadline."""
    try:
        return get(name)
    except ProviderNotConfigured:
        raise AuthFailed(f"{name} is not configured here") from None


async def stop(name: str, external_id: str) -> None:
    """Ask a provider to stop a job. Whether it does is its affair: what is owed to the user does not depend on it."""
    try:
        await get(name).cancel(external_id)
    except (ProviderError, ProviderNotConfigured) as error:
        log.warning("provider.not_stopped", provider=name, external_id=external_id, error=type(error).__name__)


def names() -> frozenset[str]:
    """Names of the configured providers that people are offered."""
    return (frozenset(_makers) | frozenset(_providers)) - _not_offered


def known() -> frozenset[str]:
    """Names of all providers that there are adapters for."""
    return frozenset(_CONFIGURE)


def hosts() -> frozenset[str]:
    """Hosts that the settings name as providers' addresses, in place of the vendors' own ones."""
    return frozenset(_hosts)


async def disconnect() -> None:
    """Close the clients' connections."""
    for provider in _providers.values():
        await provider.close()
    _providers.clear()
    _makers.clear()
    _not_offered.clear()
    _hosts.clear()


def _demo(settings: Settings) -> Make | None:
    def make() -> Provider:
        from providers.demo import DemoProvider

        return DemoProvider(settings.home / "demo")

    return make if settings.demo_provider or settings.makes_smoke_generations else None


def _gemini(settings: Settings) -> Make | None:
    key = settings.gemini_api_key
    if key is None:
        return None

    def make() -> Provider:
        from providers.gemini import GeminiProvider

        return GeminiProvider(key.get_secret_value(), base_url=settings.gemini_base_url)

    return make


def _vertex(settings: Settings) -> Make | None:
    credentials = settings.google_credentials
    if credentials is None:
        return None

    def make() -> Provider:
        from providers.gemini import VertexProvider
        from providers.google.account import ServiceAccount

        return VertexProvider(
            ServiceAccount.parse(credentials.get_secret_value()),
            project=settings.gcp_project_id,
            location=settings.vertex_location,
            base_url=settings.vertex_base_url,
            staging=settings.veo_output_uri,
            storage_url=settings.gcs_base_url,
        )

    return make


def _veo(settings: Settings) -> Make | None:
    credentials, output = settings.google_credentials, settings.veo_output_uri
    if credentials is None or output is None:
        return None

    def make() -> Provider:
        from providers.google.account import ServiceAccount
        from providers.veo import VeoProvider

        return VeoProvider(
            ServiceAccount.parse(credentials.get_secret_value()),
            output,
            project=settings.gcp_project_id,
            location=settings.gcp_location,
            base_url=settings.vertex_base_url,
            storage_url=settings.gcs_base_url,
            watch=timedelta(seconds=settings.veo_watch_seconds),
        )

    return make


def _kling(settings: Settings) -> Make | None:
    key, secret = settings.kling_api_key, settings.kling_api_secret
    if key is None or secret is None:
        return None

    def make() -> Provider:
        from providers.kling import KlingProvider

        return KlingProvider(key.get_secret_value(), secret.get_secret_value(), base_url=settings.kling_api_base_url)

    return make


def _useapi(name: str) -> Callable[[Settings], Make | None]:
    """Return the configuration of one of the services that are reached over UseAPI with one token."""

    def configure(settings: Settings) -> Make | None:
        key = settings.useapi_api_key
        if key is None:
            return None

        def make() -> Provider:
            from providers.useapi import ADAPTERS

            return ADAPTERS[name](key.get_secret_value(), base_url=settings.useapi_base_url)

        return make

    return configure


def _kie(settings: Settings) -> Make | None:
    key = settings.kie_api_key
    if key is None:
        return None

    def make() -> Provider:
        from providers.kie import KieProvider

        return KieProvider(key.get_secret_value(), base_url=settings.kie_api_base_url)

    return make


def _snapgen(settings: Settings) -> Make | None:
    key = settings.geminigen_api_key
    if key is None:
        return None

    def make() -> Provider:
        from providers.snapgen import SnapGenProvider

        return SnapGenProvider(
            key.get_secret_value(),
            base_url=settings.geminigen_api_base_url,
            usd_per_credit=settings.geminigen_usd_per_credit,
        )

    return make


def _openai(name: str) -> Callable[[Settings], Make | None]:
    """Return the configuration of one of the two services of an account at OpenAI."""

    def configure(settings: Settings) -> Make | None:
        key = settings.openai_api_key
        if key is None:
            return None

        def make() -> Provider:
            from providers.openai import OpenAiProvider
            from providers.sora import SoraProvider

            adapter = OpenAiProvider if name == "openai" else SoraProvider
            return adapter(
                key.get_secret_value(),
                base_url=settings.openai_base_url,
                organization=settings.openai_organization,
                project=settings.openai_project_id,
            )

        return make

    return configure


def _runway(settings: Settings) -> Make | None:
    key = settings.runway_api_key
    if key is None:
        return None

    def make() -> Provider:
        from providers.runway import RunwayProvider

        return RunwayProvider(key.get_secret_value(), base_url=settings.runway_base_url)

    return make


_CONFIGURE: dict[str, Callable[[Settings], Make | None]] = {
    "gemini": _gemini,
    "vertex": _vertex,
    "veo": _veo,
    "kling": _kling,
    "useapi-kling": _useapi("useapi-kling"),
    "useapi-runway": _useapi("useapi-runway"),
    "useapi-midjourney": _useapi("useapi-midjourney"),
    "kie": _kie,
    "snapgen": _snapgen,
    "openai": _openai("openai"),
    "sora": _openai("sora"),
    "runway": _runway,
    DEMO: _demo,
}
