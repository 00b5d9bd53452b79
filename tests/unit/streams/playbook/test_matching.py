"""What happened -> topic and stage, on every channel, by the playbook that ships."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.event import Context, PageContext
from streams.playbook.matching import MAX_ITEMS, match_event
from tests.harness.histories import event, junk_properties, law, shop


def found(kind: str, name: str | None = None, **fields: Any) -> list[tuple[str, str]]:
    matches = match_event(event("m", kind, name=name, **fields), shop().dispatch).matches
    assert all(match.place == (match.topic.partition("/")[0], match.stage) for match in matches)
    return [(match.topic, match.stage) for match in matches]


@pytest.mark.parametrize(
    ("name", "properties", "expected"),
    [
        ("Product List Viewed", {"list_id": "Sale 7"}, ("product/sale-7", "introduction")),
        ("Product Clicked", {"product_id": 507}, ("product/507", "introduction")),
        ("Product Viewed", {"category": "Red Caps", "sku": "x"}, ("product/red-caps", "details")),
        ("Product Viewed", {"category": "", "sku": "G-32"}, ("product/g-32", "details")),
        ("Product Viewed", {"product_id": True, "name": "Cap"}, ("product/cap", "details")),
        ("Product Added", {"category": "a/b"}, ("product/a-b", "cart")),
        ("Subscription Cancelled", {"plan": "Gold"}, ("subscription/gold", "cancelled")),
    ],
)
def test_segment_events(name: str, properties: dict[str, Any], expected: tuple[str, str]) -> None:
    assert found("track", name, properties=properties) == [expected]


def test_an_order_is_one_match_for_each_topic_in_it() -> None:
    products = [{"category": "Shoes"}, {"category": "socks"}, {"category": "shoes "}, "junk", {}]
    happened = event("m", name="Order Completed", properties={"products": products, "total": 9})
    found = match_event(happened, shop().dispatch)
    matches = found.matches
    assert found.step == "placed"
    assert [match.topic for match in matches] == ["product/shoes", "product/socks"]
    assert {match.stage for match in matches} == {"purchase"}


@pytest.mark.parametrize("products", [None, [], "shoes", {"category": "x"}, 3])
def test_an_order_without_a_list_speaks_for_itself(products: object) -> None:
    properties = {"products": products, "category": "shoes"}
    assert found("track", "Order Completed", properties=properties) == [
        ("product/shoes", "purchase")
    ]


def test_a_list_without_end_is_cut() -> None:
    products = [{"category": f"c{n}"} for n in range(10 * MAX_ITEMS)]
    assert len(found("track", "Order Completed", properties={"products": products})) == MAX_ITEMS


def test_an_order_of_nothing_known_is_still_an_order() -> None:
    found = match_event(event("m", name="Order Completed"), shop().dispatch)
    assert found.matches == []
    assert found.step == "placed"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/products/shoes", [("product/shoes", "introduction")]),
        ("/products/shoes/", [("product/shoes", "introduction")]),
        ("/products/shoes/details?from=mail#top", [("product/shoes", "details")]),
        ("/en/shop/products/Red%20Shoes/purchase", [("product/red-shoes", "purchase")]),
        ("/products", []),
        ("/products/{}", [("product/{}", "introduction")]),
        ("/products/shoes/reviews", []),
        ("/about", []),
        ("/", []),
    ],
)
def test_pages(path: str, expected: list[tuple[str, str]]) -> None:
    assert found("page", properties={"path": path}) == expected
    assert found("screen", properties={"url": f"https://shop.example{path}"}) == expected
    context = Context(page=PageContext(url=f"https://shop.example{path}"))
    assert found("page", context=context) == expected


def test_contacts_on_every_channel() -> None:
    opened = {"about": "Delivery"}
    assert found("contact", "complaint.opened", channel="call", properties=opened) == [
        ("complaint/delivery", "opened")
    ]
    assert found("contact", "weather.asked", channel="call") == []


@pytest.mark.parametrize("kind", ["identify", "alias", "group", "timer", "link", "merge"])
def test_events_about_a_person_match_no_topic(kind: str) -> None:
    assert found(kind, "Product Viewed", properties={"category": "shoes"}) == []


@pytest.mark.parametrize(
    "name",
    ["product viewed", "PRODUCT VIEWED", "Product_Viewed", "productViewed", "Viewed Product",
     "viewed_product", "product-viewed"],
)  # fmt: skip
def test_a_name_counts_however_it_is_written(name: str) -> None:
    assert found("track", name, properties={"category": "shoes"}) == [("product/shoes", "details")]


def test_another_name_is_another_event() -> None:
    assert found("track", "products viewed", properties={"category": "shoes"}) == []
    assert found("track", None, properties={"category": "shoes"}) == []
    assert found("page", "Product Viewed", properties={"category": "shoes"}) == []


@law
@given(st.sampled_from(["track", "page", "contact"]), junk_properties,
       st.sampled_from(["Product Viewed", "Order Completed", "complaint.opened"]))  # fmt: skip
def test_a_topic_is_always_short_and_plain(
    kind: str, properties: dict[str, Any], name: str
) -> None:
    for topic, _ in found(kind, name, properties=properties):
        family, _, rest = topic.partition("/")
        assert family in shop().ranks
        assert 0 < len(rest) <= 80
        assert rest == rest.strip()
        assert "/" not in rest
