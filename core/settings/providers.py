"""Settings of AI providers and of moderation: keys, addresses, limits."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, BaseModel, Field, SecretStr, field_validator

from core.settings.values import base_url, key

PROVIDER_LIMIT = re.compile(r"[a-z][a-z0-9-]{0,39}=[1-9][0-9]{0,5}")
_ADDRESSES = (
    "gemini_base_url",
    "vertex_base_url",
    "gcs_base_url",
    "kling_api_base_url",
    "useapi_base_url",
    "kie_api_base_url",
    "geminigen_api_base_url",
    "openai_base_url",
    "runway_base_url",
)


class ProviderSettings(BaseModel):
    """Who makes pictures and videos. A provider is offered when its keys are set."""

    demo_provider: Annotated[
        bool,
        Field(alias="DEMO_PROVIDER", description="Offer the provider that needs no key and makes demonstrations only."),
    ] = False
    smoke_generations: Annotated[
        bool | None,
        Field(
            alias="SMOKE_GENERATIONS",
            description="Let `nb smoke` have the demonstration make a picture for its test user, whom nobody pays for;"
            " everywhere but in production when not set.",
            examples=["true"],
        ),
    ] = None
    gemini_api_key: Annotated[
        SecretStr | None,
        Field(alias="GEMINI_API_KEY", description="Key of the Gemini API; its models are offered when it is set."),
    ] = None
    gemini_base_url: Annotated[
        str | None, Field(alias="GEMINI_BASE_URL", description="The Gemini API; Google's when not set.")
    ] = None
    google_credentials: Annotated[
        SecretStr | None,
        Field(
            alias="GOOGLE_APPLICATION_CREDENTIALS_JSON",
            description="Key of a service account: its JSON, the base64 of that, or a path. Gemini on Vertex with it.",
        ),
    ] = None
    gcp_project_id: Annotated[
        str | None,
        Field(alias="GCP_PROJECT_ID", description="Google's project; the service account's own when not set."),
    ] = None
    gcp_location: Annotated[
        str,
        Field(alias="GCP_LOCATION", description="Region that runs Veo.", pattern=r"^[a-z0-9-]+$"),
    ] = "us-central1"
    vertex_location: Annotated[
        str,
        Field(
            alias="VERTEX_LOCATION",
            description="Region that runs Gemini on Vertex; the newest image models are in `global` only.",
            pattern=r"^[a-z0-9-]+$",
        ),
    ] = "global"
    vertex_base_url: Annotated[
        str | None, Field(alias="VERTEX_BASE_URL", description="Vertex, or whatever speaks it; Google's when not set.")
    ] = None
    veo_output_uri: Annotated[
        str | None,
        Field(
            alias="VEO_OUTPUT_URI",
            description="Folder in Cloud Storage that Veo writes to; Veo is offered when it is set as well.",
            pattern=r"^gs://[a-z0-9][a-z0-9._-]+(/.*)?$",
            examples=["gs://our-bucket/veo"],
        ),
    ] = None
    veo_watch_seconds: Annotated[
        int,
        Field(
            alias="VEO_WATCH_SECONDS",
            description="How long the folder of an order whose answer was lost is watched before its tokens go back.",
            ge=10,
            le=3600,
        ),
    ] = 600
    gcs_base_url: Annotated[
        str | None,
        Field(alias="GCS_BASE_URL", description="Cloud Storage, or whatever speaks it; Google's when not set."),
    ] = None

    kling_api_key: Annotated[
        SecretStr | None,
        Field(
            alias="KLING_API_KEY",
            description="Access key of Kling's own API; its models are offered when the secret is set as well.",
        ),
    ] = None
    kling_api_secret: Annotated[
        SecretStr | None,
        Field(alias="KLING_API_SECRET", description="Secret key of Kling's own API, which signs every request."),
    ] = None
    kling_api_base_url: Annotated[
        str | None, Field(alias="KLING_API_BASE_URL", description="Kling's own API; the global one when not set.")
    ] = None

    useapi_api_key: Annotated[
        SecretStr | None,
        Field(
            alias="USEAPI_API_KEY",
            description="Token of UseAPI.net; Kling, Runway and Midjourney over our own accounts there.",
        ),
    ] = None
    useapi_base_url: Annotated[
        str | None, Field(alias="USEAPI_BASE_URL", description="UseAPI.net, or whatever speaks it.")
    ] = None

    kie_api_key: Annotated[
        SecretStr | None, Field(alias="KIE_API_KEY", description="Key of KIE.AI: Midjourney in another way.")
    ] = None
    kie_api_base_url: Annotated[
        str | None, Field(alias="KIE_API_BASE_URL", description="KIE.AI, or whatever speaks it.")
    ] = None
    geminigen_api_key: Annotated[
        SecretStr | None,
        Field(alias="GEMINIGEN_API_KEY", description="Key of SnapGen, once GeminiGen: Veo and Gemini pictures resold."),
    ] = None
    geminigen_api_base_url: Annotated[
        str | None,
        Field(
            alias="GEMINIGEN_API_BASE_URL",
            description="SnapGen's API; https://api.snapgen.ai when not set, for the old host may stop.",
        ),
    ] = None
    geminigen_usd_per_credit: Annotated[
        Decimal | None,
        Field(
            alias="GEMINIGEN_USD_PER_CREDIT",
            description="What one credit of SnapGen cost us in USD; jobs tell no cost when not set.",
            gt=0,
            examples=["0.01"],
        ),
    ] = None

    openai_api_key: Annotated[
        SecretStr | None,
        Field(alias="OPENAI_API_KEY", description="Key of OpenAI: GPT Image, and moderation of what people ask for."),
    ] = None
    openai_base_url: Annotated[
        str | None,
        Field(
            alias="OPENAI_BASE_URL",
            description="OpenAI's API, or whatever speaks it; `/v1` is added to a bare address.",
            examples=["https://api.openai.com/v1"],
        ),
    ] = None
    openai_organization: Annotated[
        str | None, Field(alias="OPENAI_ORGANIZATION", description="Organization that OpenAI bills.")
    ] = None
    openai_project_id: Annotated[
        str | None, Field(alias="OPENAI_PROJECT_ID", description="Project that OpenAI bills.")
    ] = None
    runway_api_key: Annotated[
        SecretStr | None, Field(alias="RUNWAYML_API_SECRET", description="Key of Runway's own API.")
    ] = None
    runway_base_url: Annotated[
        str | None, Field(alias="RUNWAY_BASE_URL", description="Runway's own API, or whatever speaks it.")
    ] = None

    provider_limits: Annotated[
        str,
        Field(
            alias="PROVIDER_LIMITS",
            description="Jobs that may be under way at a provider, all workers together; `nb providers limit` overrides"
            " it. No limit for those that are not named.",
            examples=["openai=40,gemini=40,kling=20"],
        ),
    ] = "openai=40,gemini=40"
    provider_webhooks: Annotated[
        bool | None,
        Field(
            alias="PROVIDER_WEBHOOKS",
            description="Have providers tell us when a job is done; where PUBLIC_BASE_URL is https when not set.",
            examples=["true"],
        ),
    ] = None
    moderation_enabled: Annotated[
        bool,
        Field(
            alias="MODERATION_ENABLED",
            description="Ask OpenAI's moderation about every order, where its key is set. Our word list always looks.",
        ),
    ] = True
    moderation_words_path: Annotated[
        Path | None,
        Field(
            alias="MODERATION_WORDS_PATH",
            description="A TOML file with words of your own that are refused or let through, beside the shipped list.",
            examples=["/srv/nanobanana/words.toml"],
        ),
    ] = None

    _are_provider_addresses = field_validator(*_ADDRESSES)(base_url)
    _are_provider_keys = field_validator(
        "gemini_api_key",
        "kling_api_key",
        "kling_api_secret",
        "useapi_api_key",
        "kie_api_key",
        "geminigen_api_key",
        "openai_api_key",
        "runway_api_key",
    )(key)

    @field_validator("openai_base_url")
    @classmethod
    def _has_version(cls, value: str | None) -> str | None:
        """Give a bare address the version that OpenAI's SDK expects in it."""
        return f"{value}/v1" if value is not None and AnyHttpUrl(value).path in (None, "/") else value

    @field_validator("provider_limits")
    @classmethod
    def _is_limits(cls, value: str) -> str:
        if not all(PROVIDER_LIMIT.fullmatch(part) for part in value.replace(" ", "").split(",") if part):
            raise ValueError("limits are provider=jobs with commas between, such as openai=40,kling=20")
        return value

    @field_validator("google_credentials")
    @classmethod
    def _is_service_account(cls, value: SecretStr | None) -> SecretStr | None:
        """Read it once at the start, for its first use may be hours later."""
        if value is not None:
            from providers.google.account import ServiceAccount

            ServiceAccount.parse(value.get_secret_value())
        return value

    @property
    def provider_hosts(self) -> frozenset[str]:
        """Hosts of the providers' addresses."""
        return frozenset(urlsplit(getattr(self, name) or "").hostname or "" for name in _ADDRESSES) - {""}

    @property
    def limits_of_providers(self) -> dict[str, int]:
        """Jobs that may be under way at a provider, by its name."""
        parts = (part.partition("=") for part in self.provider_limits.replace(" ", "").split(",") if part)
        return {name: int(most) for name, _, most in parts}
