"""What looks the same is the same: topics, ids and e-mail addresses have one form."""

import json
import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.identity.aliases import email_alias
from streams.identity.profile_key import usable_id
from streams.playbook.matching import match_event
from streams.playbook.topics import label
from streams.tracking.body import read_batch
from streams.tracking.events import read_events
from tests.harness.histories import event, fold_all, law, shop
from tests.harness.paths import FIXTURES

SHOES = "신발"


def test_the_reported_product_is_one_topic() -> None:
    body = (FIXTURES / "cases" / "13-nfc-nfd.json").read_bytes()
    events, _ = read_events(read_batch(body), None, 1_700_000_000_000, "shop")
    names = [msgspec.json.decode(one.properties)["category"] for _, one in events]
    assert names[0] != names[1]
    profile = fold_all(
        event(f"m{number}", name=name, user_id="nf", properties={"category": category})
        for number, (name, category) in enumerate(
            zip(("Product Viewed", "Product Added"), names, strict=True)
        )
    )
    assert list(profile.dialogues) == [f"product/{SHOES}"]


@law
@given(st.text(min_size=1, max_size=30))
def test_every_form_of_a_text_has_one_label_and_one_id(text: str) -> None:
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    assert len({label(one) for one in forms}) == 1
    assert len({usable_id(one) for one in forms if len(one) <= 200}) <= 1
    assert label(label(text)) == label(text)


def wide(text: str) -> str:
    """Full-width Latin, as Korean and Japanese keyboards write it."""
    return "".join(chr(0x3000) if one == " " else chr(ord(one) + 0xFEE0) for one in text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Café", "Cafe\u0301"), (wide("ABC"), "abc"), ("Hats\u200b", "hats"),
        ("\ufeffHats", "hats"), (wide("Hats new"), "hats-new"), ("ｶﾀｶﾅ", "カタカナ"),
        ("hats\u00ad", "hats"),
    ],
)  # fmt: skip
def test_what_looks_the_same_is_one_topic(one: str, other: str) -> None:
    assert label(one) == label(other)


def test_an_address_has_one_form() -> None:
    for text in ("Mina@Shop.Example", wide("mina@shop.example"), "mina@shop.example\u200b"):
        found = email_alias(text)
        assert found is not None
        assert found.value == "mina@shop.example"


def test_an_id_is_one_in_every_form_and_the_senders_own_is_kept() -> None:
    own = unicodedata.normalize("NFD", "김민아")
    item = {"type": "track", "userId": own, "event": "E", "context": {"ip": "1"}}
    batch = read_batch(json.dumps({"batch": [item]}).encode())
    [(key, one)], _ = read_events(batch, None, 1_700_000_000_000, "shop")
    assert (key, one.user_id) == ("김민아", "김민아")
    assert msgspec.json.decode(one.context) == {"ip": "1", "as_sent": {"userId": own}}


@pytest.mark.parametrize(
    ("url", "topic"),
    [
        ("https://shop.example/products/%EC%8B%A0%EB%B0%9C", f"product/{SHOES}"),
        ("https://shop.kr/products/%BD%C5%B9%DF", f"product/{SHOES}"),
        ("https://shop.example/products/%BD%C5%B9%DF", "product/%bd%c5%b9%df"),
        ("https://shop.kr/products/%FF", "product/%ff"),
        ("https://shop.kr/products/a%2Fb", "product/a-b"),
        ("https://shop.kr/products/100%", "product/100%"),
    ],
)
def test_a_path_in_an_encoding_of_old(url: str, topic: str) -> None:
    found: Any = match_event(event("m", "page", properties={"url": url}), shop().dispatch)
    assert [match.topic for match in found.matches] == [topic]
    assert "\ufffd" not in found.matches[0].topic
