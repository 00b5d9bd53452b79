"""The shop's pages out of their templates; every value is escaped."""

from api.pages import render
from api.shop.catalogue import PRODUCTS, Product

_PACKAGE = "api.shop.pages"


def front_page(write_key: str) -> str:
    """All products, each with a link to its introduction."""
    products = list(PRODUCTS.values())
    return render(
        _PACKAGE, "front.html", title="All products", products=products, write_key=write_key
    )


def product_page(product: Product, stage: str, write_key: str) -> str:
    """One of the three pages of a product: `introduction`, `details` or `purchase`."""
    return render(
        _PACKAGE,
        "product.html",
        title=product.title,
        product=product,
        stage=stage,
        write_key=write_key,
    )
