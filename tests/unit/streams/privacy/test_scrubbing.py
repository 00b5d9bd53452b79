"""What is not to be known is not taken."""

import ipaddress
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.settings import Settings, SettingsError
from schemas.event import WireEvent
from streams.privacy.addresses import truncated
from streams.privacy.hashing import hashed_value
from streams.privacy.scrubbing import Scrubbing
from streams.privacy.urls import parameters_pattern, without_parameters

KEY = b"a key of these tests"


def wire(kind: str, properties: Any, context: Any = None) -> WireEvent:
    return WireEvent(
        message_id="m",
        type=kind,  # type: ignore[arg-type]
        occurred_at=1,
        received_at=1,
        user_id="u1",
        properties=msgspec.Raw(json.dumps(properties).encode()),
        context=msgspec.Raw(json.dumps(context or {}).encode()),
    )


def scrubbed(scrubbing: Scrubbing, event: WireEvent) -> tuple[Any, Any]:
    after = scrubbing.scrub(event)
    return json.loads(bytes(after.properties)), json.loads(bytes(after.context))


def test_only_allowed_traits_are_taken() -> None:
    scrubbing = Scrubbing(allowed=frozenset({"plan", "email"}))
    traits = {"Plan": "pro", "email": "a@b.example", "ssn": "1", "consent": {"email": True}}
    kept = {"Plan": "pro", "email": "a@b.example", "consent": {"email": True}}
    context = {"traits": {"ssn": 1, "plan": 2}, "page": {"path": "/"}}
    assert scrubbed(scrubbing, wire("identify", traits, context)) == (
        kept,
        {"traits": {"plan": 2}, "page": {"path": "/"}},
    )
    assert scrubbed(scrubbing, wire("group", traits))[0] == kept
    assert scrubbed(scrubbing, wire("track", {"ssn": 1, "traits": {"ssn": 2}}))[0] == {
        "ssn": 1,
        "traits": {},
    }


def test_hashed_values_can_be_compared_and_not_read() -> None:
    scrubbing = Scrubbing(hashed=frozenset({"email"}), key=KEY)
    one = scrubbed(scrubbing, wire("identify", {"email": "Ann@Shop.example", "n": 1}))[0]
    other = scrubbed(scrubbing, wire("track", {"Email": " ann@shop.EXAMPLE"}))[0]
    assert one["email"] == other["Email"]
    assert one["email"].startswith("hmac:")
    assert one["n"] == 1
    assert hashed_value("ann@shop.example", b"another key of tests") != one["email"]
    assert scrubbed(scrubbing, wire("identify", {"email": None}))[0] == {"email": None}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2::3", "2001:db8:1::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("fe80::1%eth0", "fe80::"),
        ("unknown", None),
        ("", None),
    ],
)
def test_networks(address: str, network: str | None) -> None:
    assert truncated(address) == network


@given(st.ip_addresses())
def test_cutting_twice_is_cutting_once(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    once = truncated(str(address))
    assert once is not None
    assert truncated(once) == once


def test_the_address_of_the_context() -> None:
    context = {"ip": "203.0.113.77", "locale": "ko"}
    event = wire("page", {}, context)
    assert scrubbed(Scrubbing(), event)[1] == {"ip": "203.0.113.0", "locale": "ko"}
    assert scrubbed(Scrubbing(addresses="drop"), event)[1] == {"locale": "ko"}
    assert Scrubbing(addresses="keep").scrub(event) is event
    assert scrubbed(Scrubbing(), wire("page", {}, {"ip": "what?"}))[1] == {}
    untouched = wire("page", {"ip": "203.0.113.77"}, {"page": {"title": "ip"}})
    assert Scrubbing().scrub(untouched) is untouched


def test_parameters_of_urls() -> None:
    pattern = parameters_pattern(["email", "token"])
    assert pattern is not None
    text = {"url": "https://x.y/?a=1&email=a%40b&token=t#token=u", "n": 'mytoken=1 &email=q" r'}
    after = json.loads(without_parameters(json.dumps(text).encode(), pattern))
    assert after["url"] == "https://x.y/?a=1&email=&token=#token="
    escaped = json.dumps(text).encode().replace(b"&", b"\\u0026")
    assert json.loads(without_parameters(escaped, pattern))["url"] == after["url"]
    assert parameters_pattern([]) is None
    event = wire("page", {"url": "https://x.y/?EMAIL=a@b.c&b=2"}, {"page": {"url": "/?token=1"}})
    properties, context = scrubbed(Scrubbing(parameters=pattern), event)
    assert properties == {"url": "https://x.y/?EMAIL=&b=2"}
    assert context == {"page": {"url": "/?token="}}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=5), json_values)
def test_nothing_breaks_it_and_twice_is_once(properties: dict[str, Any], ip: Any) -> None:
    scrubbing = Scrubbing(
        allowed=frozenset({"a", "b"}), parameters=parameters_pattern(["q"]), addresses="truncate"
    )
    once = scrubbing.scrub(wire("identify", properties, {"ip": ip, "traits": properties}))
    assert scrubbing.scrub(once) == once
    assert set(json.loads(bytes(once.properties))) <= {"a", "b", "A", "B", "consent", "timezone"}


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAEHWA_TRAITS_ALLOWED", "email, Plan")
    monkeypatch.setenv("DAEHWA_IP", "drop")
    scrubbing = Settings.from_environment().scrubbing
    assert scrubbing.allowed == {"email", "plan"}
    assert scrubbing.addresses == "drop"
    monkeypatch.setenv("DAEHWA_TRAITS_HASHED", "email")
    with pytest.raises(SettingsError, match="DAEHWA_TRAITS_SECRET"):
        Settings.from_environment()
    monkeypatch.setenv("DAEHWA_TRAITS_SECRET", "a secret of the tests")
    assert Settings.from_environment().scrubbing.hashed == {"email"}
