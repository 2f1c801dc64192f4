"""Ports: what was asked for, else those of the last time, else free ones."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from cli.local.launch import LocalError
from cli.local.ports import HOST, choose, free_port, free_ports, is_free

pytestmark = pytest.mark.integration


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_a_port_that_somebody_listens_on_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_a_port_whose_connections_are_closing_is_free() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, 0))
        listener.listen()
        port = int(listener.getsockname()[1])
        client = socket.create_connection((HOST, port))
        accepted, _ = listener.accept()
        accepted.close()
        client.close()

    assert is_free(port)


def test_free_ports_differ() -> None:
    ports = free_ports(20)

    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)


def test_what_was_asked_for_wins() -> None:
    wanted, before, usual = free_ports(3)

    assert choose({"web": wanted}, {"web": before}, {"web": usual}) == {"web": wanted}


def test_the_port_of_last_time_comes_before_the_usual_one() -> None:
    before, usual = free_ports(2)

    assert choose({"web": None}, {"web": before}, {"web": usual}) == {"web": before}
    assert choose({"web": None}, {}, {"web": usual}) == {"web": usual}


def test_a_taken_port_of_last_time_is_given_up(taken: int) -> None:
    usual = free_port()

    assert choose({"web": None}, {"web": taken}, {"web": usual}) == {"web": usual}


def test_without_any_free_choice_another_port_is_found(taken: int) -> None:
    chosen = choose({"web": None}, {}, {"web": taken})

    assert chosen["web"] != taken
    assert is_free(chosen["web"])


def test_two_services_never_share_a_port() -> None:
    port = free_port()

    chosen = choose({"web": None, "redis": None}, {"web": port, "redis": port}, {"web": port, "redis": port})

    assert len(set(chosen.values())) == 2


def test_a_wish_comes_before_anothers_habit() -> None:
    port = free_port()

    chosen = choose({"web": None, "redis": port}, {"web": port}, {})

    assert chosen["redis"] == port
    assert chosen["web"] != port


def test_a_taken_port_that_was_asked_for_is_named(taken: int) -> None:
    with pytest.raises(LocalError, match=rf"Port {taken}, asked for redis, is taken") as failure:
        choose({"redis": taken}, {}, {})

    assert failure.value.service == "redis"
    assert "--redis-port" in (failure.value.fix or "")


def test_a_port_asked_for_twice_is_named() -> None:
    port = free_port()

    with pytest.raises(LocalError, match=rf"Port {port} is asked for twice, for web and for redis"):
        choose({"web": port, "redis": port}, {}, {})
