"""The service with two scripted providers, as the tests of generations have it."""

from __future__ import annotations

from tests.core.generations.conftest import first, order, second, user

__all__ = ["first", "order", "second", "user"]
