"""One visit to the demo shop: the items a tracking SDK would send of it."""

from random import Random
from typing import Any
from uuid import UUID

from infra.demo.catalogue import CURRENCY, GOES_WITH, PRODUCTS, Product
from infra.demo.moments import iso
from infra.demo.people import Person, new_device

_LIBRARY = {"name": "daehwa-demo", "version": "1"}

_NEW_DEVICE = 0.1
_COMES_BACK_FOR_THE_CART = 0.6
_READS_ON = 0.7
_FILLS_THE_CART = 0.45
_LOOKS_FURTHER = 0.5
_GOES_WITH = 0.8
_CHECKS_OUT = 0.55
_ORDERS = 0.75
_LOGS_IN = 0.1


class Visit:
    """What one person does in one visit; `items` are in the order of time.

    The person is changed as they go: logged in, interested, with a fuller or an emptied cart.
    """

    def __init__(self, random: Random, person: Person, at: int) -> None:
        """`at`: milliseconds since 1970."""
        self._random = random
        self._person = person
        self._at = at
        self.items: list[tuple[int, dict[str, Any]]] = []
        """(milliseconds since 1970, item of a batch)."""

    def happen(self) -> None:
        """The visit from its first page to its last."""
        random, person = self._random, self._person
        new_browser = person.user_id is not None and random.random() < _NEW_DEVICE
        if new_browser:
            person.anonymous_id = new_device(random)
        account = person.user_id
        if new_browser:
            person.user_id = None
        if person.cart and random.random() < _COMES_BACK_FOR_THE_CART:
            if account is not None and new_browser:
                self._log_in()
            self._track("Cart Viewed", "/demo/cart", {"products": self._cart()})
        else:
            self._browse()
            if account is not None and new_browser:
                self._log_in()
        if person.cart and random.random() < _CHECKS_OUT:
            self._check_out()
        elif person.user_id is None and random.random() < _LOGS_IN:
            self._log_in()
        person.busy_until = self._at

    def _browse(self) -> None:
        product = self._next_interest()
        while True:
            self._look_at(product)
            if self._random.random() >= _LOOKS_FURTHER:
                return
            product = self._next_interest()

    def _look_at(self, product: Product) -> None:
        random, person = self._random, self._person
        person.interest = product.slug
        path = f"/demo/products/{product.slug}"
        self._page(path, product)
        if random.random() >= _READS_ON:
            return
        self._page(f"{path}/details", product)
        self._track("Product Viewed", f"{path}/details", _described(product))
        if random.random() < _FILLS_THE_CART:
            quantity = 2 if product.cents < 2000 and random.random() < 0.5 else 1
            person.cart[product.slug] = person.cart.get(product.slug, 0) + quantity
            self._track(
                "Product Added", f"{path}/details", {**_described(product), "quantity": quantity}
            )

    def _check_out(self) -> None:
        random, person = self._random, self._person
        if person.user_id is None:
            self._log_in()
        order = {
            "order_id": f"order-{random.getrandbits(40):010x}",
            "total": sum(PRODUCTS[slug].cents * n for slug, n in person.cart.items()) / 100,
            "currency": CURRENCY,
            "products": self._cart(),
        }
        self._track("Checkout Started", "/demo/checkout", order)
        if random.random() < _ORDERS:
            first = PRODUCTS[next(iter(person.cart))]
            self._page(f"/demo/products/{first.slug}/purchase", first)
            self._track("Order Completed", f"/demo/products/{first.slug}/purchase", order)
            person.bought |= person.cart.keys()
            person.cart = {}

    def _log_in(self) -> None:
        self._person.log_in()
        self._add("identify", "/demo/login", {"traits": self._person.traits})

    def _next_interest(self) -> Product:
        random, person = self._random, self._person
        weights = {slug: product.weight for slug, product in PRODUCTS.items()}
        if person.interest is not None and random.random() < _GOES_WITH:
            weights = dict(GOES_WITH[person.interest])
        requested = {slug: weight for slug, weight in weights.items() if slug not in person.bought}
        requested = requested or weights
        return PRODUCTS[random.choices(list(requested), list(requested.values()))[0]]

    def _cart(self) -> list[dict[str, Any]]:
        return [
            {**_described(PRODUCTS[slug]), "quantity": quantity}
            for slug, quantity in self._person.cart.items()
        ]

    def _page(self, path: str, product: Product) -> None:
        self._add("page", path, {"properties": {"path": path, "title": product.name}})

    def _track(self, event: str, path: str, properties: dict[str, Any]) -> None:
        self._add("track", path, {"event": event, "properties": properties})

    def _add(self, kind: str, path: str, fields: dict[str, Any]) -> None:
        person = self._person
        item: dict[str, Any] = {
            "type": kind,
            "messageId": str(UUID(int=self._random.getrandbits(128), version=4)),
            "timestamp": iso(self._at),
            "anonymousId": person.anonymous_id,
            **({"userId": person.user_id} if person.user_id else {}),
            **fields,
            "context": {"page": {"path": path}, "library": _LIBRARY},
        }
        self.items.append((self._at, item))
        # Nobody reads a page in less than a second; most take some ten, a few half a minute.
        self._at += 1000 + int(self._random.expovariate(1 / 8000))


def _described(product: Product) -> dict[str, Any]:
    return {
        "product_id": product.slug,
        "name": product.name,
        "category": product.slug,
        "price": product.price,
        "currency": CURRENCY,
    }
