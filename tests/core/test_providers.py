"""Which providers a process has, and when their adapters are loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core import providers
from core.settings import Settings, SettingsError, load
from tests.core.test_settings import COMPLETE
from tests.emulators.google_errors import service_account

USEAPI = frozenset({"useapi-kling", "useapi-runway", "useapi-midjourney"})
KEYS = {
    "gemini": {"GEMINI_API_KEY": "AIza-key-0123456789"},
    "kling": {"KLING_API_KEY": "access-0123456789", "KLING_API_SECRET": "secret-0123456789"},
    "kie": {"KIE_API_KEY": "kie-key-0123456789"},
    "snapgen": {"GEMINIGEN_API_KEY": "snapgen-key-0123456789", "GEMINIGEN_USD_PER_CREDIT": "0.01"},
    "demo": {"DEMO_PROVIDER": "true"},
}
GOOGLE = {
    "GOOGLE_APPLICATION_CREDENTIALS_JSON": service_account("https://oauth2.googleapis.com"),
    "VEO_OUTPUT_URI": "gs://our-bucket/veo",
}
EVERYTHING = (
    {name: value for keys in KEYS.values() for name, value in keys.items()}
    | {"USEAPI_API_KEY": "token-0123456789"}
    | GOOGLE
)
NAMES = frozenset(KEYS) | USEAPI | {"vertex", "veo"}


def settings(**changes: str) -> Settings:
    return Settings.model_validate(COMPLETE | changes)


@pytest.mark.parametrize(("name", "keys"), KEYS.items())
async def test_a_key_is_what_a_provider_needs(name: str, keys: dict[str, str]) -> None:
    providers.connect(settings(**keys))
    assert providers.names() == {name}
    assert providers.get(name).name == name
    assert providers.get(name) is providers.get(name)
    await providers.disconnect()
    assert providers.names() == frozenset()


async def test_every_provider_is_built_under_the_name_of_its_routes() -> None:
    providers.connect(settings(**EVERYTHING))
    assert {name: providers.get(name).name for name in providers.names()} == {name: name for name in NAMES}
    await providers.disconnect()


def test_one_token_of_useapi_opens_three_services() -> None:
    providers.connect(settings(USEAPI_API_KEY="token-0123456789"))
    assert providers.names() == USEAPI


@pytest.mark.parametrize("missing", ["KLING_API_KEY", "KLING_API_SECRET"])
def test_half_a_pair_of_keys_is_no_provider(missing: str) -> None:
    providers.connect(settings(**{name: value for name, value in KEYS["kling"].items() if name != missing}))
    assert providers.names() == frozenset()
    with pytest.raises(providers.ProviderNotConfigured, match="kling"):
        providers.get("kling")


def test_a_service_account_opens_gemini_on_vertex_and_with_a_folder_veo() -> None:
    providers.connect(settings(**GOOGLE))
    assert providers.names() == {"vertex", "veo"}
    providers.connect(settings(**{name: value for name, value in GOOGLE.items() if name != "VEO_OUTPUT_URI"}))
    assert providers.names() == {"vertex"}
    providers.connect(settings(VEO_OUTPUT_URI=GOOGLE["VEO_OUTPUT_URI"]))
    assert providers.names() == frozenset()


@pytest.mark.parametrize("value", ["{}", '{"type": "service_account"}', "/no/such/file", "not-a-key-at-all", "[]"])
def test_a_service_account_that_is_none_stops_the_start_without_being_shown(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(COMPLETE | {"GOOGLE_APPLICATION_CREDENTIALS_JSON": value})
    (problem,) = caught.value.problems
    assert problem.startswith("GOOGLE_APPLICATION_CREDENTIALS_JSON: ")
    assert value not in problem.removeprefix("GOOGLE_APPLICATION_CREDENTIALS_JSON: ")


def test_a_process_that_calls_no_provider_loads_no_adapter() -> None:
    program = f"""
import sys
import bot.webhook, core.http.application, core.http.ops, core.process, core.generations.execution, cli.main
from core import providers
from core.settings import load
providers.connect(load({COMPLETE | EVERYTHING!r}))
print(sorted(providers.names()))
shared = "base connections errors google google.account http"
light = {{"providers"}} | {{f"providers.{{name}}" for name in shared.split()}}
print(sorted(name for name in sys.modules if name.split(".")[0] == "providers" and name not in light))
providers.get("kling")
print("providers.kling" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == [str(sorted(NAMES)), "[]", "True"]


@pytest.mark.parametrize("name", sorted(name for name in EVERYTHING if name.endswith(("_KEY", "_SECRET"))))
@pytest.mark.parametrize("value", ["two words", "line\nbreak", "ключ"])
def test_a_key_that_cannot_be_sent_stops_the_start_without_being_shown(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(COMPLETE | {name: value})
    (problem,) = caught.value.problems
    assert problem.startswith(f"{name}: a key has no spaces")
    assert value not in problem


async def test_hosts_that_the_settings_name_are_known_while_they_are_connected() -> None:
    providers.connect(settings(USEAPI_BASE_URL="http://127.0.0.1:9000/v1", KIE_API_BASE_URL="http://[::1]:9000"))
    assert providers.hosts() >= {"127.0.0.1", "::1"}
    await providers.disconnect()
    assert providers.hosts() == frozenset()
