"""A sandbox with people in it, and the promise that every module leaves the books in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from tests.end_to_end.people import Sandbox
from tests.fixtures.product import Product


@pytest_asyncio.fixture(scope="module")
async def sandbox(product: Product) -> AsyncIterator[Sandbox]:
    """The people's side of the running product."""
    async with httpx.AsyncClient(timeout=40, limits=httpx.Limits(max_connections=64)) as http:
        yield Sandbox(product, http)


@pytest.fixture(scope="module", autouse=True)
def books_are_in_order(product: Product) -> Iterator[None]:
    """Have `nb ledger verify` look at everything that the module did."""
    yield
    verified = product.nb("ledger", "verify")
    assert verified["data"]["ok"], verified["data"]["problems"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder."""
    for item in items:
        if "end_to_end" in item.path.parts:
            item.add_marker(pytest.mark.end_to_end)
