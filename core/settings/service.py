"""Settings of the service itself: where it runs, its servers, Telegram, storage."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

from core.settings.values import base_url, key

ALLOWED_IN_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


class Environment(StrEnum):
    """Where this process runs."""

    LOCAL = "local"
    STAGING = "staging"
    PRODUCTION = "production"


class ServiceSettings(BaseModel):
    """Where this process runs and what it stands on."""

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
    telegram_public_key: Annotated[
        str,
        Field(
            alias="TELEGRAM_PUBLIC_KEY",
            description="Ed25519 key, in hex, that Telegram signs init data for third parties with.",
            pattern=r"^[0-9a-f]{64}$",
        ),
    ] = "e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d"
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
    webapps_path: Annotated[
        Path | None,
        Field(
            alias="WEBAPPS_PATH", description="Folder of the built Mini App; `webapps/dist` of the code when not set."
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

    _are_service_addresses = field_validator("public_base_url", "supabase_url", "telegram_api_base_url")(base_url)
    _are_service_keys = field_validator("supabase_service_role_key")(key)

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

    @property
    def media_path(self) -> Path:
        """Folder that holds media when storage is local."""
        return self.storage_path or self.home / "media"
