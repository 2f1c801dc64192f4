"""What every test gets: fixtures for real servers, and no network unless the test says that it needs one."""

from __future__ import annotations

import os

import pytest
import structlog

pytest_plugins = [
    "tests.fixtures.home",
    "tests.fixtures.servers",
    "tests.fixtures.product",
    "tests.fixtures.scheduling",
    "tests.fixtures.figures",
]

MAY_OPEN_SOCKETS = ("integration", "end_to_end", "browser")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Close sockets by default. asyncio wakes its loop through a Unix socket pair, which stays allowed."""
    config.option.disable_socket = True
    config.option.allow_unix_socket = True
    # Workers of pytest-xdist are given one, and people have one exported: no test depends on the width of a terminal.
    os.environ.pop("COLUMNS", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Open sockets for the tests whose marker says that they use them."""
    for item in items:
        if any(item.get_closest_marker(name) for name in MAY_OPEN_SOCKETS):
            item.add_marker(pytest.mark.enable_socket)


@pytest.fixture(autouse=True)
def no_trace_of_others() -> None:
    """Begin without the trace that a test before bound in this thread, as a task of Celery does."""
    structlog.contextvars.clear_contextvars()
