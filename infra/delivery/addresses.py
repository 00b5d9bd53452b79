"""Connections to checked addresses only: a host is resolved once, and the connection goes to the
checked address (against DNS rebinding)."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

_SHARED = ip_network("100.64.0.0/10")
_NAT64 = ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
_COMPATIBLE = ip_network("::/96")

Address = IPv4Address | IPv6Address


class PrivateAddressError(Exception):
    """The host is, or resolves to, an address that is not public."""


def is_public(address: Address) -> bool:
    """Whether the address is public: not private, loopback, link-local, shared (CGNAT), multicast,
    reserved, or an IPv6 address that embeds such an IPv4 address."""
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
    """The addresses of a host. Raises `PrivateAddressError` where one is not public, `OSError`
    where there are none."""
    found = await resolve(host, port)
    for text in found:
        _check(host, text)
    return found


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, each once. OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in found))


class CheckedResolver(AbstractResolver):
    """aiohttp resolver of public addresses. The connection goes to these addresses; Host header and
    TLS verification keep the name."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host. `PrivateAddressError`, OSError."""
        try:
            found = await public_addresses(host, port)
        except UnicodeError as problem:
            raise OSError(f"{host} has no address: {problem}") from problem
        return [_answer(host, port, text) for text in found]

    async def close(self) -> None:
        """Nothing to close."""


def public_socket(address_info: tuple[Any, ...]) -> socket.socket:
    """The socket of a new connection. Raises `PrivateAddressError`. Literal addresses skip the
    resolver: this check covers them.
    """
    family, kind, protocol, _, place = address_info
    _check(place[0], place[0])
    return socket.socket(family, kind, protocol)


def _answer(host: str, port: int, text: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return ResolveResult(
        hostname=host, host=text, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
    )


def _check(host: str, text: str) -> None:
    try:
        public = is_public(read_address(text))
    except ValueError:
        # Forms such as 127.1, which the operating system reads as an address.
        public = False
    if not public:
        raise PrivateAddressError(
            f"{host} is the private address {text}; DAEHWA_WEBHOOK_PRIVATE=true allows it"
        )
