"""`nb up --emulate`: every vendor played by an emulator of the tests, and what our processes are told of it.

A vendor for which the person gave a key of their own is left alone. The keys are random, made for one run, and travel
in the environment only; the emulators accept no others.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.local.launch import LocalError

SOURCE = Path(__file__).resolve().parents[2]
USUAL_FIRST_PORT = 8401
PREFIX = "emulator-"
"""What the names of the emulators' ports begin with."""

GOOGLE_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS_JSON"
PROJECT = "emulated-project"


@dataclass(frozen=True)
class Emulated:
    """A vendor with an emulator."""

    name: str
    addresses: tuple[str, ...]
    """The variables that take the place of the vendor's addresses."""
    keys: tuple[str, ...]
    """The variables of its credentials. Where a person gave one, the vendor is real."""
    further: Mapping[str, str] = field(default_factory=dict)
    """What else has to be said for the vendor to be used."""


SERVICES = (
    Emulated("gemini", ("GEMINI_BASE_URL",), ("GEMINI_API_KEY",)),
    Emulated(
        "vertex",
        ("VERTEX_BASE_URL", "GCS_BASE_URL"),
        (GOOGLE_CREDENTIALS,),
        {"VEO_OUTPUT_URI": "gs://emulated-bucket/veo"},
    ),
    Emulated("openai", ("OPENAI_BASE_URL",), ("OPENAI_API_KEY",)),
    Emulated("runway", ("RUNWAY_BASE_URL",), ("RUNWAYML_API_SECRET",)),
    Emulated("kling", ("KLING_API_BASE_URL",), ("KLING_API_KEY", "KLING_API_SECRET")),
    Emulated("useapi", ("USEAPI_BASE_URL",), ("USEAPI_API_KEY",)),
    Emulated("kie", ("KIE_API_BASE_URL",), ("KIE_API_KEY",)),
    Emulated("snapgen", ("GEMINIGEN_API_BASE_URL",), ("GEMINIGEN_API_KEY",), {"GEMINIGEN_USD_PER_CREDIT": "0.01"}),
    Emulated(
        "lava",
        ("LAVA_API_BASE_URL",),
        ("LAVA_API_KEY", "LAVA_WEBHOOK_SECRET"),
        {"PAYMENTS_LAVA_ENABLED": "true"},
    ),
)


class Emulation:
    """The emulators of one run: which, with which keys, where."""

    def __init__(self, given: Mapping[str, str], failures: int = 0) -> None:
        """`given` is the person's environment; `failures` how many of a hundred calls go wrong.

        Raises:
            LocalError: there are no emulators here.
        """
        if not (SOURCE / "tests" / "emulators" / "__main__.py").is_file():
            raise LocalError(
                "the emulators come with the source code, and this `nb` was installed without it",
                fix="Run `./run nb up --emulate` in a checkout, or `nb up` without it: the demonstration needs no key.",
                service="emulators",
            )
        self.services = tuple(service for service in SERVICES if not any(given.get(key) for key in service.keys))
        self.failures = failures
        self._given = given
        self._keys = {key: _credential(key) for service in self.services for key in service.keys}

    @property
    def usual_ports(self) -> dict[str, int]:
        """The first choice of each emulator that never ran."""
        return {
            f"{PREFIX}{service.name}": USUAL_FIRST_PORT + place
            for place, service in enumerate(SERVICES)
            if service in self.services
        }

    def addresses(self, ports: Mapping[str, int], host: str) -> dict[str, str]:
        """Return where each emulator is."""
        return {service.name: f"http://{host}:{ports[PREFIX + service.name]}" for service in self.services}

    def environment(self, addresses: Mapping[str, str]) -> dict[str, str]:
        """Return what all processes are told. What the person said of addresses loses: the keys are the emulators'."""
        told = dict(self._keys)
        for service in self.services:
            told |= dict.fromkeys(service.addresses, addresses[service.name])
            told |= {name: self._given.get(name) or value for name, value in service.further.items()}
        if GOOGLE_CREDENTIALS in told:
            told[GOOGLE_CREDENTIALS] = service_account(told[GOOGLE_CREDENTIALS], addresses["vertex"])
        return told

    def arguments(self, addresses: Mapping[str, str], web: str) -> tuple[str, ...]:
        """Return what the process of the emulators is started with; its keys are in its environment."""
        ports = [part for name, url in addresses.items() for part in ("--port", f"{name}={url.rpartition(':')[2]}")]
        return (*ports, "--failures", str(self.failures), "--web", web)


def _credential(name: str) -> str:
    make: Callable[[], str] = private_key if name == GOOGLE_CREDENTIALS else lambda: secrets.token_urlsafe(24)
    return make()


def private_key() -> str:
    """Return a new RSA key, as a service account has one."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def service_account(key: str, address: str) -> str:
    """Return the document of a service account whose tokens come from the emulator."""
    document = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "emulated",
        "private_key": key,
        "client_email": f"nanobanana@{PROJECT}.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"{address}/token",
    }
    return json.dumps(document)
