"""Only the public web is connected to: each answer of a name is looked at, and the checked address is used."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from core.references.errors import LinkNotSupported, LinkUnavailable
from core.references.gate import Address, Gate, is_public
from tests.core.references.website import Names, Website, gate

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_of_somebodys_own_network_is_public(address: str) -> None:
    """Nor one that holds an address of IPv4 in disguise."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1"]
)
def test_addresses_of_the_web_are_public(address: str) -> None:
    """Of both kinds."""
    assert is_public(ip_address(address))


@pytest.mark.parametrize("answers", [["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["8.8.8.8", "::1"]])
async def test_one_private_answer_refuses_the_name(answers: list[str]) -> None:
    """Whichever of them would be connected to."""
    with pytest.raises(LinkNotSupported, match="not the public web"):
        await Gate(resolve=Names(mixed_test=[answers])).addresses("mixed.test", 443)


async def test_the_addresses_are_the_ones_that_were_checked() -> None:
    """Each once, in the order of the answer."""
    names = Names(site_test=[["8.8.8.8", "1.1.1.1", "8.8.8.8"]])
    assert await Gate(resolve=names).addresses("site.test", 443) == ["8.8.8.8", "1.1.1.1"]
    assert names.asked == ["site.test"]


@pytest.mark.parametrize("port", [0, 22, 25, 3306, 5432, 6379, 8080, 11211])
async def test_ports_of_other_services_are_refused(port: int) -> None:
    """Before anybody is asked for the address."""
    names = Names(site_test=["8.8.8.8"])
    with pytest.raises(LinkNotSupported, match="port"):
        await Gate(resolve=names).addresses("site.test", port)
    assert names.asked == []


async def test_a_name_without_addresses_is_no_defect() -> None:
    """The site is gone, or nobody could be asked, or nobody answers."""
    with pytest.raises(LinkUnavailable):
        await Gate(resolve=Names()).addresses("unknown.test", 443)
    with pytest.raises(LinkUnavailable):
        await Gate(resolve=Names(empty_test=[[]])).addresses("empty.test", 443)

    async def late(host: str) -> list[Address]:
        raise TimeoutError(host)

    with pytest.raises(LinkUnavailable):
        await Gate(resolve=late).addresses("late.test", 443)


@pytest.mark.integration
async def test_the_systems_own_resolver_is_asked_and_checked() -> None:
    """A machine's own name is refused in production, by every way of writing its address."""
    for host in ("localhost", "127.0.0.1", "::1"):
        with pytest.raises((LinkNotSupported, LinkUnavailable)):
            await Gate().addresses(host, 80)


@pytest.mark.integration
async def test_the_connection_goes_to_a_checked_address(website: Website) -> None:
    """An address that does not answer is followed by the next one; none left is the site's trouble."""
    reader, writer = await gate().connect("site.test", website.port)
    writer.write(b"GET /none HTTP/1.1\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 404")
    writer.close()
    with pytest.raises(LinkUnavailable, match="does not answer"):
        await gate().connect("site.test", 9)
    with pytest.raises(LinkNotSupported):
        await gate(Names(site_test=["127.0.0.2"])).connect("site.test", website.port)
    assert len(website.requests) == 1
