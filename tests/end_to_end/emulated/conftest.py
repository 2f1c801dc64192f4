"""A product whose vendors are all emulated, without the demonstration, and an operator's chat that hears alerts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pytest_asyncio

from tests.end_to_end.emulated.vendors import Vendors
from tests.end_to_end.people import Person, Sandbox
from tests.fixtures.product import Product, running_product

OPERATOR = 777


@pytest.fixture(scope="package")
def product() -> Iterator[Product]:
    """A product that nobody breaks; its alerts come as often as they are raised."""
    told = {"DEMO_PROVIDER": "false", "ERROR_ALERT_CHAT_ID": str(OPERATOR), "ERROR_ALERT_COOLDOWN": "1"}
    with running_product("--emulate", **told) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def operator(sandbox: Sandbox) -> Person:
    """Whoever hears the alerts."""
    profile = {"id": OPERATOR, "first_name": "Operator", "language_code": "en"}
    await sandbox.post("users", json=profile)
    return Person(sandbox, OPERATOR, "en")


@pytest_asyncio.fixture(scope="module")
async def vendors(sandbox: Sandbox, product: Product) -> Vendors:
    """The emulators."""
    return Vendors(sandbox.http, product.data["emulators"])
