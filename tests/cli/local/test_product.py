"""What the processes are told: whose servers, which Telegram, which secrets, and nothing that is not theirs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest

from cli.local.choices import USUAL_PORTS, Choices, require_server, without_password
from cli.local.home import Home, write_private
from cli.local.identity import RUN_VARIABLE
from cli.local.launch import LocalError
from cli.local.product import Product, local_token
from cli.local.steps import Step
from core.settings import load
from tests.fixtures.ports import quiet_port

CHOSEN = {"web": 8000, "sandbox": 8001, "postgres": 5433, "redis": 6380}
BOT = {"TELEGRAM_BOT_TOKEN": "42:a-token-of-botfather"}


class Silent:
    def changed(self, steps: Sequence[Step]) -> None:
        """Nobody looks."""


def product(home: Home, **environment: str) -> Product:
    """A product whose ports are chosen, as after its first step."""
    home.create()
    made = Product(home, Choices(environment=environment), Silent())
    made._secrets = home.secrets()
    chosen = {service: CHOSEN[service] for service in made.choices.embedded}
    made._state = replace(made._state, ports=chosen, addresses=made._addresses(chosen))
    return made


def test_without_anything_given_everything_is_embedded(home: Home) -> None:
    made = product(home)
    told = made.environment()

    assert made.choices.embedded == ["web", "sandbox", "postgres", "redis"]
    assert told["DATABASE_URL"].endswith("@127.0.0.1:5433/nanobanana")
    assert told["REDIS_URL"].endswith("@127.0.0.1:6380/0")
    assert told["TELEGRAM_API_BASE_URL"] == "http://127.0.0.1:8001"
    assert told["PUBLIC_BASE_URL"] == "http://127.0.0.1:8000"
    assert (told["HOST"], told["PORT"]) == ("127.0.0.1", "8000")
    assert told["DEMO_PROVIDER"] == "true"
    assert told["TELEGRAM_UPDATES"] == "webhook"
    assert told[RUN_VARIABLE] == made.run


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"NO_PROXY": ".corp"}, ".corp,127.0.0.1,localhost"),
        ({"no_proxy": ".corp", "NO_PROXY": ".old"}, ".corp,127.0.0.1,localhost"),
        ({"NO_PROXY": "*"}, "*"),
    ],
)
def test_a_proxy_is_not_asked_for_what_is_on_this_machine(home: Home, given: dict[str, str], told: str) -> None:
    environment = product(home, HTTP_PROXY="http://127.0.0.1:1", **given).environment()

    assert (environment["NO_PROXY"], environment["no_proxy"]) == (told, told)
    assert environment["HTTP_PROXY"] == "http://127.0.0.1:1"


def test_the_processes_understand_what_they_are_told(home: Home) -> None:
    settings = load(product(home, GEMINI_API_KEY="a-key", NB_WEB_PORT="8000", NB_JSON="1").environment())

    assert settings.home == home.root
    assert settings.log_format == "json"
    assert settings.gemini_api_key is not None
    assert settings.demo_provider is True


def test_keys_of_providers_pass_through(home: Home) -> None:
    told = product(home, GEMINI_API_KEY="a-key", OPENAI_API_KEY="another", PATH="/bin").environment()

    assert (told["GEMINI_API_KEY"], told["OPENAI_API_KEY"], told["PATH"]) == ("a-key", "another", "/bin")


def test_what_belongs_to_nb_itself_does_not_pass(home: Home) -> None:
    told = product(home, NB_TOKEN_PRODUCTION="nbk_secret", NB_ENV="production", NB_REDIS_PORT="1").environment()

    assert "NB_TOKEN_PRODUCTION" not in told
    assert "NB_ENV" not in told
    assert "NB_REDIS_PORT" not in told
    assert told["NB_ENVIRONMENT"] == "local"


def test_a_given_commit_is_kept_and_otherwise_git_is_asked(home: Home) -> None:
    assert product(home, NB_COMMIT="abc1234").environment()["NB_COMMIT"] == "abc1234"
    assert product(home).environment()["NB_COMMIT"]


def test_the_demonstrations_can_be_switched_off(home: Home) -> None:
    assert product(home, DEMO_PROVIDER="false").environment()["DEMO_PROVIDER"] == "false"


def test_given_servers_win(home: Home) -> None:
    made = product(home, DATABASE_URL="postgresql://me:pw@db:5432/x", REDIS_URL="redis://:pw@cache:6379/2")

    assert made.choices.embedded == ["web", "sandbox"]
    assert made.environment()["DATABASE_URL"] == "postgresql://me:pw@db:5432/x"
    assert made.addresses.database == "postgresql://me@db:5432/x"
    assert made.addresses.redis == "redis://cache:6379/2"


def test_a_given_bot_means_the_real_telegram_by_polling(home: Home) -> None:
    made = product(home, **BOT)
    told = made.environment()

    assert made.choices.embedded == ["web", "postgres", "redis"]
    assert told["TELEGRAM_BOT_TOKEN"] == BOT["TELEGRAM_BOT_TOKEN"]
    assert told["TELEGRAM_UPDATES"] == "polling"
    assert "TELEGRAM_API_BASE_URL" not in told
    assert made.addresses.chat is None
    assert [step.title for step in made._plan()][5] == "Telegram"


def test_a_given_bot_with_a_public_address_may_use_the_webhook(home: Home) -> None:
    made = product(home, **BOT, TELEGRAM_UPDATES="webhook", PUBLIC_BASE_URL="https://bot.example.com/")

    assert made.environment()["TELEGRAM_UPDATES"] == "webhook"
    assert made.addresses.web == "https://bot.example.com"
    assert not made.choices.is_polling


def test_the_sandbox_has_a_token_and_a_secret_of_its_own(home: Home) -> None:
    told = product(home).environment()

    assert told["TELEGRAM_BOT_TOKEN"] == home.secrets().telegram_token
    assert told["TG_WEBHOOK_SECRET"] == home.secrets().webhook_secret


def test_empty_variables_count_as_not_given(home: Home) -> None:
    made = product(home, DATABASE_URL="", REDIS_URL="", TELEGRAM_BOT_TOKEN="")

    assert made.choices.embedded == ["web", "sandbox", "postgres", "redis"]


def test_services_are_listed_in_the_order_in_which_they_stop(home: Home) -> None:
    names = [service.name for service in product(home)._services(CHOSEN)]
    polled = [service.name for service in product(home, **BOT)._services({"web": 1, "postgres": 2, "redis": 3})]

    assert names == ["beat", "worker", "web", "sandbox", "redis", "postgres"]
    assert polled == ["beat", "worker", "poller", "web", "redis", "postgres"]


def test_no_secret_is_on_a_command_line(home: Home) -> None:
    made = product(home)
    home.postgres_data.mkdir()
    secrets = [secret for secret in made.environment().values() if len(secret) > 20 and "/" not in secret]

    for service in made._services(CHOSEN):
        launch = service.launch()
        assert not [secret for secret in secrets if secret in " ".join(launch.argv)]
        assert not [secret for secret in secrets if secret in repr(launch)]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@db:5432/x?sslmode=require", "postgresql://me@db:5432/x"),
        ("postgresql://db/x", "postgresql://db/x"),
        ("redis://:secret@cache:6379/0", "redis://cache:6379/0"),
        ("rediss://me:s%40cret@cache/0", "rediss://me@cache/0"),
        ("postgresql:///x?host=/run/postgresql", "postgresql:///x"),
        ("a password without an address", "?"),
        ("redis://cache:no-port/0", "?"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize("content", [None, {}, {"local": None}, {"local": {"token": 5}}, {"staging": {"token": "x"}}])
def test_a_home_without_a_local_token_has_none(home: Home, content: object) -> None:
    home.create()
    if content is not None:
        write_private(home.credentials_file, content)

    assert local_token(home) is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://me:secret@db/x", "does not start with postgresql://"),
        ("secret", "does not start with postgresql://"),
        ("postgresql://me:secret@db:port/x", "is no address"),
        ("postgresql://[me:secret@db/x", "is no address"),
    ],
)
async def test_a_given_server_that_is_none_is_refused_without_showing_it(url: str, reason: str) -> None:
    with pytest.raises(LocalError, match=reason) as failure:
        await require_server("DATABASE_URL", url, ("postgresql", "postgres"), 5432)

    assert "secret" not in failure.value.message
    assert "DATABASE_URL" in (failure.value.fix or "")


@pytest.mark.integration
async def test_a_given_server_that_is_away_is_named() -> None:
    port = quiet_port()

    with pytest.raises(LocalError, match=rf"nobody answers at 127\.0\.0\.1:{port}, from REDIS_URL"):
        await require_server("REDIS_URL", f"redis://:secret@127.0.0.1:{port}/0", ("redis",), 6379)


@pytest.mark.integration
async def test_a_given_server_that_is_there_is_taken(redis_url: str, database_url: str) -> None:
    await require_server("REDIS_URL", redis_url, ("redis",), 6379)
    await require_server("DATABASE_URL", database_url, ("postgresql",), 5432)


async def test_a_socket_in_the_file_system_is_left_to_the_processes() -> None:
    await require_server("DATABASE_URL", "postgresql:///x?host=/run/postgresql", ("postgresql",), 5432)


def test_the_usual_ports_differ() -> None:
    assert len(set(USUAL_PORTS.values())) == len(USUAL_PORTS)


@pytest.mark.parametrize("module", ["cli.commands.up", "cli.commands.down", "cli.local.background"])
def test_what_supervises_loads_nothing_heavy(module: str) -> None:
    heavy = ("aiogram", "asyncpg", "celery", "google", "httpx", "piccolo", "pydantic", "redis", "rich", "sanic")
    code = f"import sys, {module}; print(*[name for name in {heavy} if name in sys.modules])"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert loaded == []
