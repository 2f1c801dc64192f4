"""One client per process, which says what it is when it is used too early."""

from __future__ import annotations

import pytest

from core import redis
from core.settings import Settings
from tests.fixtures.servers import make_settings


@pytest.mark.integration
async def test_the_client_answers_with_text(settings: Settings) -> None:
    await redis.connect(settings)
    await redis.client().set("fox", "лиса")

    assert await redis.client().get("fox") == "лиса"
    await redis.disconnect()


async def test_using_it_before_connecting_is_an_error_with_a_name() -> None:
    await redis.disconnect()

    with pytest.raises(RuntimeError, match=r"core\.redis\.connect"):
        redis.client()


@pytest.mark.integration
async def test_a_redis_that_is_away_is_one_of_the_declared_errors() -> None:
    await redis.connect(make_settings("postgresql://nobody@127.0.0.1:1/none", "redis://127.0.0.1:1/0"))

    with pytest.raises(redis.UNAVAILABLE):
        await redis.client().get("fox")
    await redis.disconnect()


@pytest.mark.integration
async def test_connecting_again_replaces_the_client(settings: Settings) -> None:
    await redis.connect(settings)
    first = redis.client()
    await redis.connect(settings)

    assert redis.client() is not first
    await redis.disconnect()
    await redis.disconnect()
