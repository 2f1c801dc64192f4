"""Settings of money, alerts and logs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

from core.settings.values import base_url


class BusinessSettings(BaseModel):
    """Payments, prices, whom operators and users hear of."""

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
    errors_kept_days: Annotated[
        int,
        Field(
            alias="ERROR_LOG_RETENTION_DAYS",
            description="Days after which a fault that was not met again is forgotten.",
            ge=1,
            le=3650,
        ),
    ] = 30

    log_format: Annotated[
        Literal["json", "console"],
        Field(alias="LOG_FORMAT", description="One JSON object a line, or lines for people."),
    ] = "json"
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Field(alias="LOG_LEVEL", description="Least severity that is written."),
    ] = "INFO"

    _are_gateway_addresses = field_validator("lava_api_base_url")(base_url)
