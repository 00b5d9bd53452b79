"""Names of items (products), packed: what profiles keep of them."""

from functools import lru_cache

from xxhash import xxh3_64_intdigest

WIDTH = 4
"""Bytes of a packed name: of the 500 names of a customer two collide in one of 30,000 customers."""


@lru_cache(maxsize=65_536)
def packed_name(name: str) -> bytes:
    """32 bits of XXH3 of an item's name, such as `product/p-1`."""
    hashed = xxh3_64_intdigest(name.encode("utf-8", "surrogatepass")) & 0xFFFFFFFF
    return hashed.to_bytes(WIDTH, "big")
