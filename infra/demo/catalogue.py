"""What the demo shop sells, and what goes with what."""

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
    """How many visitors in a hundred come for it."""

    @property
    def price(self) -> float:
        """The price in units of the currency."""
        return self.cents / 100


PRODUCTS: Mapping[str, Product] = {
    product.slug: product
    for product in (
        Product("shoes", "Ridge trail shoes", 11900, 26),
        Product("socks", "Merino hiking socks", 1950, 8),
        Product("jacket", "Gale rain jacket", 15900, 18),
        Product("backpack", "Traverse backpack 38 l", 13500, 14),
        Product("tent", "Two-person tent", 28900, 12),
        Product("sleeping-bag", "Down sleeping bag", 19900, 8),
        Product("stove", "Pocket gas stove", 4950, 7),
        Product("headlamp", "Rechargeable headlamp", 3900, 7),
    )
}

GOES_WITH: Mapping[str, Mapping[str, int]] = {
    "shoes": {"socks": 60, "jacket": 25, "backpack": 15},
    "socks": {"shoes": 50, "jacket": 50},
    "jacket": {"backpack": 60, "shoes": 40},
    "backpack": {"headlamp": 45, "jacket": 30, "tent": 25},
    "tent": {"sleeping-bag": 65, "stove": 35},
    "sleeping-bag": {"stove": 50, "headlamp": 50},
    "stove": {"headlamp": 60, "tent": 40},
    "headlamp": {"backpack": 50, "stove": 50},
}
"""Slug -> where an interested visitor looks next, in a hundred."""
