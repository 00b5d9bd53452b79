"""IP addresses, cut to the network they are in."""

from ipaddress import ip_address, ip_network

V4_BITS = 24
V6_BITS = 48


def truncated(address: str) -> str | None:
    """`203.0.113.0` for `203.0.113.77`, `2001:db8:1::` for an address in that /48; an IPv4 address
    within IPv6 is cut as IPv4. None for anything else."""
    try:
        found = ip_address(address.strip().partition("%")[0])
    except ValueError:
        return None
    if found.version == 6 and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    bits = V4_BITS if found.version == 4 else V6_BITS
    return str(ip_network((found, bits), strict=False).network_address)
