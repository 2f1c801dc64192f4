"""Configuration: one class, read once at start, every value typed, documented and checked.

Variables keep the names of the predecessor's environment where the meaning is the same. A missing, malformed or unknown
one stops the start with its name and an example. Nothing reads the environment at import; `load` is called by the
process's entry point and the result is passed on.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

ALLOWED_IN_KEY = re.compile(r"[\x21-\x7e]+")
PROVIDER_LIMIT = re.compile(r"[a-z][a-z0-9-]{0,39}=[1-9][0-9]{0,5}")
ALLOWED_IN_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")

CLIENT_ONLY = frozenset(
    {
        "NB_AGENT",
        "NB_CONFIG",
        "NB_ENV",
        "NB_JSON",
        "NB_LOG_COLOR",
        "NB_POSTGRES_PORT",
        "NB_PROGRAM",
        "NB_READONLY",
        "NB_REDIS_PORT",
        "NB_SANDBOX_PORT",
        "NB_TOKEN",
        "NB_TOKEN_LOCAL",
        "NB_TOKEN_PRODUCTION",
        "NB_TOKEN_STAGING",
        "NB_WEB_PORT",
    }
)
"""`NB_…` variables that belong to the command line and mean nothing to a server."""


class Environment(StrEnum):
    """Where this process runs."""

    LOCAL = "local"
    STAGING = "staging"
    PRODUCTION = "production"


class SettingsError(Exception):
    """The environment does not describe a service that can start."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Configuration is not usable:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


class Settings(BaseModel):
    """Everything the service can be told from outside. The alias of a field is its environment variable."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    environment: Annotated[
        Environment,
        Field(
            alias="NB_ENVIRONMENT",
            description="Where this process runs: local, staging or production.",
            examples=["production"],
        ),
    ] = Environment.LOCAL
    commit: Annotated[
        str, Field(alias="NB_COMMIT", description="Commit that this process was built from.", examples=["6a090cb"])
    ] = "unknown"
    home: Annotated[
        Path, Field(alias="NB_HOME", description="Folder for local data.", examples=["/srv/nanobanana/.nb"])
    ] = Path(".nb")

    database_url: Annotated[
        SecretStr,
        Field(
            alias="DATABASE_URL",
            description="PostgreSQL 15 or newer.",
            examples=["postgresql://user:password@host:5432/nanobanana"],
        ),
    ]
    database_pool_size: Annotated[
        int,
        Field(
            alias="DATABASE_POOL_SIZE",
            description="Connections that one process keeps at most.",
            ge=2,
            le=200,
            examples=["10"],
        ),
    ] = 10
    database_statement_cache: Annotated[
        int,
        Field(
            alias="DATABASE_STATEMENT_CACHE",
            ge=0,
            description="Prepared statements kept per connection; 0 behind a transaction pooler such as Supabase's.",
            examples=["0"],
        ),
    ] = 0
    redis_url: Annotated[
        SecretStr,
        Field(
            alias="REDIS_URL",
            description="Redis 6.2 or newer, or Valkey: messages, drafts, heartbeats.",
            examples=["redis://host:6379/0"],
        ),
    ]

    telegram_bot_token: Annotated[
        SecretStr,
        Field(
            alias="TELEGRAM_BOT_TOKEN",
            description="The bot, from BotFather.",
            examples=["123456:AAE-example-token-of-BotFather"],
        ),
    ]
    telegram_webhook_secret: Annotated[
        SecretStr,
        Field(
            alias="TG_WEBHOOK_SECRET",
            description="What Telegram sends with every update; nothing is accepted without it.",
            examples=["32-or-more-of-A-Z_a-z-0-9"],
        ),
    ]
    telegram_api_base_url: Annotated[
        str,
        Field(
            alias="TELEGRAM_API_BASE_URL", description="The Bot API: Telegram, a server of your own, or the sandbox."
        ),
    ] = "https://api.telegram.org"
    telegram_updates: Annotated[
        Literal["webhook", "polling"],
        Field(alias="TELEGRAM_UPDATES", description="How updates arrive: pushed to us, or fetched by `nb bot poll`."),
    ] = "webhook"
    public_base_url: Annotated[
        str, Field(alias="PUBLIC_BASE_URL", examples=["https://bot.example.com"], description="Where people reach web.")
    ]

    host: Annotated[str, Field(alias="HOST", description="Address that web listens on.")] = "0.0.0.0"  # noqa: S104  A container's port is published by its platform.
    port: Annotated[
        int, Field(alias="PORT", description="Port that web listens on.", ge=1, le=65535, examples=["8000"])
    ] = 8000
    web_workers: Annotated[
        int, Field(alias="WEB_WORKERS", description="Web processes on this machine.", ge=1, le=64)
    ] = 1
    worker_concurrency: Annotated[
        int, Field(alias="CELERY_WORKER_CONCURRENCY", ge=1, le=1000, description="Tasks at once per worker process.")
    ] = 50

    storage_path: Annotated[
        Path | None, Field(alias="STORAGE_PATH", description="Folder for media; `media` under NB_HOME when not set.")
    ] = None
    supabase_url: Annotated[
        str | None,
        Field(
            alias="SUPABASE_URL",
            description="Supabase project that keeps media in place of a folder; needs its key.",
            examples=["https://abcdefghijklmnop.supabase.co"],
        ),
    ] = None
    supabase_service_role_key: Annotated[
        SecretStr | None,
        Field(
            alias="SUPABASE_SERVICE_ROLE_KEY",
            description="Its secret key: `sb_secret_…`, or the older service_role token. It opens everything.",
        ),
    ] = None
    supabase_bucket: Annotated[
        str,
        Field(
            alias="SUPABASE_BUCKET",
            description="Private bucket for media; made when it is missing.",
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$",
        ),
    ] = "bot-images"
    supabase_video_bucket: Annotated[
        str | None,
        Field(
            alias="SUPABASE_VIDEO_BUCKET",
            description="Private bucket for videos; that of the pictures when not set.",
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$",
        ),
    ] = None
    results_kept_days: Annotated[
        int,
        Field(
            alias="RESULTS_KEPT_DAYS",
            description="Days after which the files of a finished generation are removed; 0 keeps them for ever.",
            ge=0,
            le=3650,
        ),
    ] = 90

    demo_provider: Annotated[
        bool,
        Field(alias="DEMO_PROVIDER", description="Offer the provider that needs no key and makes demonstrations only."),
    ] = False
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

    lava_enabled: Annotated[
        bool,
        Field(
            alias="PAYMENTS_LAVA_ENABLED",
            description="Sell tokens for money over Lava.top, on a page outside of Telegram. Needs its key and secret.",
        ),
    ] = False
    lava_api_key: Annotated[
        SecretStr | None, Field(alias="LAVA_API_KEY", description="Key of Lava.top's API, from its cabinet.")
    ] = None
    lava_webhook_secret: Annotated[
        SecretStr | None,
        Field(
            alias="LAVA_WEBHOOK_SECRET",
            description="What Lava.top sends with every event: a key, or `login:password` of Basic authentication.",
        ),
    ] = None
    lava_api_base_url: Annotated[
        str, Field(alias="LAVA_API_BASE_URL", description="The API of Lava.top, or whatever speaks it.")
    ] = "https://gate.lava.top"

    support_contact: Annotated[
        str,
        Field(
            alias="SUPPORT_CONTACT",
            description="Whom users write to about payments: a Telegram name or an e-mail address.",
            examples=["@nanobanana_support"],
        ),
    ] = ""
    price_max_delta_pct: Annotated[
        int,
        Field(
            alias="PRICE_MAX_DELTA_PCT",
            description="A price that changes by more than this many percent needs somebody else's approval.",
            ge=1,
            le=1000,
        ),
    ] = 30
    alert_chat_id: Annotated[
        int | None,
        Field(alias="ERROR_ALERT_CHAT_ID", description="Telegram chat that alerts go to; only the log when not set."),
    ] = None
    alert_cooldown: Annotated[
        int, Field(alias="ERROR_ALERT_COOLDOWN", description="Seconds in which one alert is sent once.", ge=1)
    ] = 300

    log_format: Annotated[
        Literal["json", "console"],
        Field(alias="LOG_FORMAT", description="One JSON object a line, or lines for people."),
    ] = "json"
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Field(alias="LOG_LEVEL", description="Least severity that is written."),
    ] = "INFO"

    @field_validator(
        "public_base_url",
        "supabase_url",
        "telegram_api_base_url",
        "gemini_base_url",
        "vertex_base_url",
        "gcs_base_url",
        "kling_api_base_url",
        "lava_api_base_url",
        "useapi_base_url",
        "kie_api_base_url",
        "geminigen_api_base_url",
        "openai_base_url",
        "runway_base_url",
    )
    @classmethod
    def _is_base_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            AnyHttpUrl(value)
        except ValidationError:
            raise ValueError("an address of the web starts with https:// or http:// and names a host") from None
        return value.rstrip("/")

    @field_validator(
        "gemini_api_key",
        "kling_api_key",
        "kling_api_secret",
        "useapi_api_key",
        "kie_api_key",
        "geminigen_api_key",
        "openai_api_key",
        "runway_api_key",
        "supabase_service_role_key",
    )
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        """Refuse at the start what the adapter would refuse at its first call, which may be hours later."""
        if value is not None and not ALLOWED_IN_KEY.fullmatch(value.get_secret_value()):
            raise ValueError("a key has no spaces, line breaks or letters other than English ones")
        return value

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

    @field_validator("database_url")
    @classmethod
    def _is_database_url(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("an address of PostgreSQL starts with postgresql://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis_url(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("an address of Redis starts with redis://, or rediss:// with TLS")
        return value

    @field_validator("telegram_webhook_secret")
    @classmethod
    def _is_webhook_secret(cls, value: SecretStr) -> SecretStr:
        if not ALLOWED_IN_WEBHOOK_SECRET.fullmatch(value.get_secret_value()):
            raise ValueError("Telegram takes 1 to 256 of the characters A-Z a-z 0-9 _ -")
        return value

    @field_validator("telegram_bot_token")
    @classmethod
    def _is_bot_token(cls, value: SecretStr) -> SecretStr:
        number, _, secret = value.get_secret_value().partition(":")
        if not number.isdigit() or not secret:
            raise ValueError("a token of BotFather looks like 123456:AAE…")
        return value

    @model_validator(mode="after")
    def _production_is_strict(self) -> Settings:
        problems = []
        if self.environment is Environment.PRODUCTION and self.demo_provider:
            problems.append("DEMO_PROVIDER must be off in production: people would pay for demonstrations")
        if self.environment is Environment.PRODUCTION and not self.public_base_url.startswith("https://"):
            problems.append("PUBLIC_BASE_URL must start with https:// in production")
        if self.lava_enabled and (self.lava_api_key is None or self.lava_webhook_secret is None):
            problems.append("PAYMENTS_LAVA_ENABLED needs LAVA_API_KEY and LAVA_WEBHOOK_SECRET")
        if self.supabase_url is not None and self.supabase_service_role_key is None:
            problems.append("SUPABASE_URL needs SUPABASE_SERVICE_ROLE_KEY")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def media_path(self) -> Path:
        """Folder that holds media when storage is local."""
        return self.storage_path or self.home / "media"

    @property
    def limits_of_providers(self) -> dict[str, int]:
        """Jobs that may be under way at a provider, by its name."""
        parts = (part.partition("=") for part in self.provider_limits.replace(" ", "").split(",") if part)
        return {name: int(most) for name, _, most in parts}

    @property
    def takes_provider_webhooks(self) -> bool:
        """True when providers outside can reach us, or somebody said that they can."""
        if self.provider_webhooks is None:
            return self.public_base_url.startswith("https://")
        return self.provider_webhooks

    def secret_values(self) -> list[str]:
        """Every secret that must not appear in a log, and the passwords inside the connection addresses."""
        secrets = []
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                secrets.append(value.get_secret_value())
        for url in (self.database_url, self.redis_url):
            credentials = url.get_secret_value().partition("://")[2].rpartition("@")[0]
            password = credentials.partition(":")[2]
            secrets += [password, unquote(password)]
        return [secret for secret in dict.fromkeys(secrets) if len(secret) >= 6]


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from environment variables.

    Raises:
        SettingsError: something is missing, malformed or unknown; every problem is named at once, with an example.
    """
    source = os.environ if environment is None else environment
    known = {field.alias: name for name, field in Settings.model_fields.items() if field.alias}
    problems = [
        _unknown(name, known) for name in source if name.startswith("NB_") and name not in {*known, *CLIENT_ONLY}
    ]
    values: dict[str, Any] = {name: source[name] for name in known if source.get(name)}
    if "NB_COMMIT" not in values and source.get("RAILWAY_GIT_COMMIT_SHA"):
        values["NB_COMMIT"] = source["RAILWAY_GIT_COMMIT_SHA"]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        for detail in error.errors(include_input=False, include_url=False):
            problems += _invalid(detail, known).splitlines()
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _unknown(name: str, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is not a setting" + (f"; did you mean {near[0]}?" if near else "; remove it")


def _invalid(detail: ErrorDetails, known: Mapping[str, str]) -> str:
    location = str(detail["loc"][0]) if detail["loc"] else ""
    if not location:
        return str(detail["msg"]).removeprefix("Value error, ")
    field = Settings.model_fields[known[location]]
    example = f" Example: {location}={field.examples[0]}" if field.examples else ""
    if detail["type"] == "missing":
        return f"{location} is missing.{example}"
    return f"{location}: {str(detail['msg']).removeprefix('Value error, ')}.{example}"
