"""Connections to checked addresses only: a host is resolved once, and what was checked is what is
connected to, so that a name that changes its address in between reaches nothing private."""

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpcore

_SHARED = ip_network("100.64.0.0/10")
_NAT64 = ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
_COMPATIBLE = ip_network("::/96")

Address = IPv4Address | IPv6Address


class PrivateAddressError(Exception):
    """The host is, or resolves to, an address that is not public."""


def is_public(address: Address) -> bool:
    """Whether anybody on the internet could be meant: not private, loopback, link-local, shared
    (CGNAT), multicast, reserved, or an IPv6 address with such an IPv4 address in it."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64 or address in _COMPATIBLE:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address in _LOCAL_NAT64 or address.is_site_local:
            return False
    elif address in _SHARED:
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
    )


def read_address(text: str) -> Address:
    """The address that getaddrinfo gave, without its IPv6 zone."""
    return ip_address(text.partition("%")[0])


async def public_addresses(host: str, port: int) -> list[str]:
    """The addresses of a host. `PrivateAddressError` where one is not public, OSError where there
    are none."""
    found = await resolve(host, port)
    for text in found:
        if not is_public(read_address(text)):
            raise PrivateAddressError(
                f"{host} is the private address {text}; DAEHWA_WEBHOOK_PRIVATE=true allows it"
            )
    return found


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, each once. OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in found))


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's connections, to public addresses. The name stays in Host and in TLS, which is
    verified against it."""

    def __init__(self) -> None:
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connects to the first address that answers. `PrivateAddressError`, httpcore's errors."""
        try:
            addresses = await public_addresses(host, port)
        except (OSError, UnicodeError) as problem:
            raise httpcore.ConnectError(f"{host} has no address: {problem}") from problem
        problem_met: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
                problem_met = problem
        raise problem_met

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await self._backend.sleep(seconds)
