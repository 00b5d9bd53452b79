"""The shop's pages out of their templates; every value is escaped."""

from collections.abc import Mapping
from html import escape
from string import Template

from api.pages import read_text
from api.shop.catalogue import PRODUCTS, Product

_PACKAGE = "api.shop.pages"


def front_page(write_key: str) -> str:
    """All products, each with a link to its introduction."""
    cards = "".join(_fill("card.html", _fields(product)) for product in PRODUCTS.values())
    return _frame("All products", _fill("front.html", {}, cards=cards), write_key)


def product_page(product: Product, stage: str, write_key: str) -> str:
    """One of the three pages of a product: `introduction`, `details` or `purchase`."""
    facts = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in product.facts
    )
    body = _fill(f"{stage}.html", _fields(product), facts=facts)
    steps = _fill("steps.html", {"name": product.name, **_here(stage)})
    whole = _fill("product.html", _fields(product), steps=steps, body=body)
    return _frame(product.title, whole, write_key)


def _frame(title: str, body: str, write_key: str) -> str:
    notice = "" if write_key else _fill("no_write_key.html", {})
    drawings = _fill("drawings.html", {})
    return _fill(
        "frame.html",
        {"title": title, "write_key": write_key},
        body=body,
        notice=notice,
        drawings=drawings,
    )


def _here(stage: str) -> dict[str, str]:
    return {
        name: "page" if name == stage else "false"
        for name in ("introduction", "details", "purchase")
    }


def _fields(product: Product) -> dict[str, str]:
    return {
        "name": product.name,
        "title": product.title,
        "claim": product.claim,
        "introduction": product.introduction,
        "price": f"{product.price // 100}.{product.price % 100:02}",
    }


def _fill(template: str, values: Mapping[str, str], **html: str) -> str:
    """The template with values escaped and html (made here) as it is."""
    escaped = {name: escape(value) for name, value in values.items()}
    return Template(read_text(_PACKAGE, template)).substitute(escaped | html)
