"""Configuration: one class, read once at start, every value typed, documented and checked.

Variables keep the names of the predecessor's environment where the meaning is the same. A missing, malformed or unknown
one stops the start with its name and an example. Nothing reads the environment at import; `load` is called by the
process's entry point and the result is passed on.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from pydantic import ConfigDict, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from core.settings.business import BusinessSettings
from core.settings.providers import ProviderSettings
from core.settings.service import Environment, ServiceSettings

__all__ = ["CLIENT_ONLY", "Environment", "Settings", "SettingsError", "load"]

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


class SettingsError(Exception):
    """The environment does not describe a service that can start."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Configuration is not usable:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


class Settings(BusinessSettings, ProviderSettings, ServiceSettings):
    """Everything the service can be told from outside. The alias of a field is its environment variable."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

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
    def takes_provider_webhooks(self) -> bool:
        """True when providers outside can reach us, or somebody said that they can."""
        if self.provider_webhooks is None:
            return self.public_base_url.startswith("https://")
        return self.provider_webhooks

    @property
    def makes_smoke_generations(self) -> bool:
        """True when `nb smoke` may order from the demonstration here, which people are not offered for that."""
        if self.smoke_generations is None:
            return self.environment is not Environment.PRODUCTION
        return self.smoke_generations

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
