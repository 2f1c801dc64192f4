"""The embedded servers: they start, survive a kill and keep what they were told."""

from __future__ import annotations

import asyncpg
import pytest
import redis as redis_client


@pytest.mark.integration
async def test_every_test_gets_a_database_of_its_own(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT 1") == 1
        assert await connection.fetchval("SELECT lower('ПРИВЕТ')") == "привет"
    finally:
        await connection.close()


@pytest.mark.integration
def test_redis_is_empty(redis_url: str) -> None:
    with redis_client.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_a_unit_test_cannot_open_a_socket() -> None:
    import socket

    from pytest_socket import SocketBlockedError

    with pytest.warns(UserWarning), pytest.raises(SocketBlockedError):
        socket.socket()
