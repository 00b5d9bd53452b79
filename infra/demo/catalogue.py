"""Preferences of simulated shoppers: products of the demo shop, and complements."""

from collections.abc import Mapping

import msgspec

CURRENCY = "EUR"


class Product(msgspec.Struct, frozen=True):
    """One product of the shop. Its slug is its category too, so that its pages and its e-commerce
    events belong to one topic, `product/<slug>`."""

    slug: str
    name: str
    cents: int
    """Price in hundredths of `CURRENCY`."""
    weight: int
    """Visitors in a hundred who come for it."""

    @property
    def price(self) -> float:
        """The price in units of the currency."""
        return self.cents / 100


PRODUCTS: Mapping[str, Product] = {
    product.slug: product
    for product in (
        Product("shoes", "Walking shoes", 11900, 30),
        Product("coat", "Rain coat", 24900, 20),
        Product("bag", "Day bag", 13900, 18),
        Product("umbrella", "Stick umbrella", 5900, 12),
        Product("hat", "Felt hat", 7900, 10),
        Product("socks", "Wool socks", 1800, 10),
    )
}

GOES_WITH: Mapping[str, Mapping[str, int]] = {
    "shoes": {"socks": 65, "bag": 20, "coat": 15},
    "socks": {"shoes": 80, "hat": 20},
    "coat": {"umbrella": 55, "hat": 35, "shoes": 10},
    "hat": {"coat": 60, "umbrella": 40},
    "bag": {"umbrella": 50, "shoes": 30, "coat": 20},
    "umbrella": {"coat": 50, "hat": 30, "bag": 20},
}
"""Slug -> next product of an interested visitor, in a hundred."""
