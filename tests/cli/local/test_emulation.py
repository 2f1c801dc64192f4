"""`nb up --emulate`: which vendors are emulated, what our processes are told of them, and who plays them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import cli.local.emulation as emulation
from cli.local.choices import Choices
from cli.local.emulation import PREFIX, SERVICES, Emulation, private_key, service_account
from cli.local.home import Home
from cli.local.launch import LocalError
from cli.local.product import Product
from cli.local.steps import Step
from core.settings import load
from tests.cli.local.conftest import FakeNb


class Silent:
    def changed(self, steps: Sequence[Step]) -> None:
        """Nobody looks."""


def addresses(made: Emulation) -> dict[str, str]:
    return made.addresses(made.usual_ports, "127.0.0.1")


async def started(home: Home, **environment: str) -> Product:
    """A product after its first step, in which ports are chosen."""
    made = Product(home, Choices(environment=environment, emulate=True), Silent())
    await made._prepare_folder()
    return made


def test_every_vendor_without_a_key_is_emulated() -> None:
    made = Emulation({})

    assert [service.name for service in made.services] == [service.name for service in SERVICES]
    told = made.environment(addresses(made))
    assert all(told[key] for service in SERVICES for key in service.keys)
    assert {told[name] for service in SERVICES for name in service.addresses} == set(addresses(made).values())


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_vendor_whose_key_is_there_stays_real(service: emulation.Emulated) -> None:
    given = {service.keys[0]: "a-key-of-their-own", service.addresses[0]: "https://vendor.example"}
    made = Emulation(given)
    told = made.environment(addresses(made))

    assert service.name not in addresses(made)
    assert not [name for name in service.addresses if name in told]
    assert not [key for key in service.keys if key in told]


def test_keys_are_new_for_every_run() -> None:
    first, second = (
        Emulation({}).environment({service.name: "http://127.0.0.1:1" for service in SERVICES}) for _ in range(2)
    )

    keys = [key for service in SERVICES for key in service.keys]
    assert not [key for key in keys if first[key] == second[key]]


def test_what_a_person_says_of_prices_is_kept() -> None:
    made = Emulation({"GEMINIGEN_USD_PER_CREDIT": "0.5"})

    assert made.environment(addresses(made))["GEMINIGEN_USD_PER_CREDIT"] == "0.5"


def test_without_the_sources_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(emulation, "SOURCE", tmp_path)

    with pytest.raises(LocalError, match="the emulators come with the source code") as caught:
        Emulation({})

    assert "./run nb up --emulate" in str(caught.value.fix)


def test_an_installed_nb_without_sources_refuses_in_plain_words(tmp_path: Path) -> None:
    for name in ("cli", "core", "bot", "providers"):
        shutil.copytree(emulation.SOURCE / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))

    finished = subprocess.run(
        [sys.executable, "-m", "cli.main", "up", "--emulate", "--detach"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), "NB_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert finished.returncode == 1
    assert "the emulators come with the source code" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_service_account_gets_its_tokens_from_the_emulator() -> None:
    document = json.loads(service_account(private_key(), "http://127.0.0.1:9"))

    assert document["type"] == "service_account"
    assert document["token_uri"] == "http://127.0.0.1:9/token"
    assert document["private_key"].startswith("-----BEGIN PRIVATE KEY-----")


@pytest.mark.integration
async def test_the_processes_understand_what_they_are_told(home: Home) -> None:
    made = await started(home)

    settings = load(made.environment())

    assert settings.gemini_base_url == made.addresses.emulators["gemini"]
    assert settings.lava_enabled
    assert {f"{PREFIX}{name}" for name in made.addresses.emulators} <= made._state.ports.keys()


@pytest.mark.integration
async def test_keys_are_on_no_command_line(home: Home) -> None:
    made = await started(home)
    launch = made._launch_emulators()

    assert launch.argv.count("--port") == len(SERVICES)
    keys = [launch.environment[key] for service in SERVICES for key in service.keys]
    assert not [key for key in keys if key in " ".join(launch.argv)]


@pytest.mark.integration
async def test_ports_are_remembered(home: Home) -> None:
    first = await started(home)
    first._save()

    assert (await started(home)).addresses.emulators == first.addresses.emulators


@pytest.mark.integration
async def test_without_the_option_nothing_is_emulated(home: Home) -> None:
    made = Product(home, Choices(environment={}), Silent())
    await made._prepare_folder()

    assert made.addresses.emulators == {}
    assert "GEMINI_API_KEY" not in made.environment()


@pytest.mark.integration
def test_the_emulators_are_a_process_like_the_others(fake_nb: FakeNb) -> None:
    document = fake_nb.document("up", "--emulate", "--emulate-failures", "20")

    assert set(document["data"]["emulators"]) == {service.name for service in SERVICES}
    assert "emulators" in [record["name"] for record in fake_nb.state()["processes"]]
    shown = fake_nb.run("up")
    assert document["data"]["emulators"]["kling"] in shown.stdout
    fake_nb.run("down")
    assert [identity for identity in fake_nb.identities() if identity.is_alive] == []


@pytest.mark.integration
def test_a_product_that_runs_without_them_says_how_to_get_them(fake_nb: FakeNb) -> None:
    fake_nb.run("up", "--detach")

    refused = fake_nb.document("up", "--emulate")

    assert refused["error"]["code"] == "conflict"
    assert "nb up --emulate" in refused["error"]["fix"]


@pytest.mark.integration
def test_failures_without_emulators_are_a_mistake(fake_nb: FakeNb) -> None:
    refused = fake_nb.document("up", "--emulate-failures", "20")

    assert refused["exit_code"] == 2
    assert "--emulate" in refused["error"]["message"]
