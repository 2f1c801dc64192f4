"""A product of its own for tests that kill its processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.product import Product, running_product


@pytest.fixture(scope="package")
def product() -> Iterator[Product]:
    """A product whose processes may be killed."""
    with running_product() as running:
        yield running
