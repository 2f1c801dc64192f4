"""Decides which addresses may be connected to. Whoever opens a connection for a user's link asks here for its address.

A name is resolved once, every answer is checked, and the connection goes to the checked address itself: a name that
answers differently a moment later changes nothing. One private answer among public ones refuses the name.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

import httpcore
import httpx

from core.references.errors import LinkNotSupported, LinkUnavailable

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str], Awaitable[Sequence[Address]]]

RESOLVE_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 10.0
WEB: Final = frozenset({80, 443})

_NOT_FOR_US: Final = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("240.0.0.0/4"),
)
"""Networks about which versions of Python disagree, and the relays of 6to4."""

_PUBLIC_V6: Final = IPv6Network("2000::/3")
"""All that is routed today. NAT64 (64:ff9b::), mapped (::ffff:), link-local and multicast addresses lie outside."""

_HOLDS_V4: Final = (
    IPv6Network("2001::/23"),  # Teredo and other protocols
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
)


def is_public(address: Address) -> bool:
    """Say whether an address belongs to the web, and to nobody's own network or machine."""
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_FOR_US)
    return address in _PUBLIC_V6 and not any(address in network for network in _HOLDS_V4)


async def resolve(host: str) -> Sequence[Address]:
    """Ask the system for the addresses of a name.

    Raises:
        OSError: it has none, or nobody could be asked.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


@dataclass(frozen=True, slots=True)
class Gate:
    """The rule for connections. Made without arguments it lets only the public web through.

    Attributes:
        resolve: finds the addresses of a name.
        is_allowed: says whether an address may be connected to.
        ports: which may be connected to; None for any.
        trusted: hosts that may be anywhere: those that our own settings name.
    """

    resolve: Resolve = resolve
    is_allowed: Callable[[Address], bool] = is_public
    ports: Collection[int] | None = WEB
    trusted: Collection[str] = ()

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the checked addresses of a host, to connect to and to nothing else.

        Raises:
            LinkNotSupported: the port or one of the addresses is not the public web's.
            LinkUnavailable: the name has no address, or nobody could be asked.
        """
        if self.ports is not None and port not in self.ports:
            raise LinkNotSupported(f"port {port} is not the web's")
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await self.resolve(host)
        except (OSError, UnicodeError) as error:
            raise LinkUnavailable(f"{host} has no address: {error}") from None
        except ValueError:
            raise LinkNotSupported(f"{host} is no host") from None
        if not found:
            raise LinkUnavailable(f"{host} has no address")
        refused = [address for address in found if not self.is_allowed(address)]
        if refused and host not in self.trusted:
            raise LinkNotSupported(f"{host} is at {refused[0]}, which is not the public web")
        return list(dict.fromkeys(str(address) for address in found))

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a host by one of its checked addresses.

        Raises:
            LinkFailed: it may not be connected to, or does not answer.
        """
        problem: Exception | None = None
        for address in (await self.addresses(host, port))[:3]:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(address, port)
            except OSError as error:
                problem = error
        raise LinkUnavailable(f"{host} does not answer: {problem}")


def pool(gate: Gate) -> httpcore.AsyncConnectionPool:
    """Return connections that a gate lets through. What the gate refuses raises its errors."""
    return httpcore.AsyncConnectionPool(ssl_context=_certificates(), network_backend=_CheckedBackend(gate))


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes 20 ms and a megabyte each time."""
    return httpx.create_ssl_context(trust_env=False)


class _CheckedBackend(httpcore.AnyIOBackend):
    """Connects to checked addresses only. The request, its Host and the name in TLS stay those of the link."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        problem: Exception | None = None
        for address in (await self._gate.addresses(host, port))[:3]:
            try:
                return await super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem or httpcore.ConnectError(f"{host} has no address")
