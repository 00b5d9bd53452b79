"""Scrubbing of an event by the privacy settings."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from schemas.event import WireEvent
from streams.privacy.addresses import truncated
from streams.privacy.hashing import hashed_value
from streams.privacy.urls import without_parameters

Addresses = Literal["keep", "truncate", "drop"]

ALWAYS = frozenset({"consent", "timezone"})
"""Traits always kept: consent and its policy depend on them."""

_Fields = dict[str, msgspec.Raw]
_decode_fields = msgspec.json.Decoder(_Fields).decode
_decode = msgspec.json.Decoder(Any).decode
_encode = msgspec.json.Encoder().encode


class Scrubbing(msgspec.Struct, frozen=True):
    """The privacy settings of an event."""

    allowed: frozenset[str] | None = None
    """Allowed traits in lower case; None: all."""
    hashed: frozenset[str] = frozenset()
    """Traits and properties in lower case whose values are hashed."""
    key: bytes = b""
    addresses: Addresses = "truncate"
    parameters: "re.Pattern[bytes] | None" = None
    """See `streams.privacy.urls`."""

    def scrub(self, event: WireEvent) -> WireEvent:
        """The scrubbed event; the same object where nothing is to scrub. Never raises for the
        content of an event: anything but a JSON object has no names."""
        properties, context = bytes(event.properties), bytes(event.context)
        if self.parameters is not None:
            properties = without_parameters(properties, self.parameters)
            context = without_parameters(context, self.parameters)
        if self.allowed is not None or self.hashed:
            about_them = event.type in ("identify", "group")
            properties = self._names(properties, self.allowed if about_them else None)
            context = self._inner(context, "traits")
            properties = self._inner(properties, "traits")
        if self.addresses != "keep" and b'"ip"' in context:
            context = self._address(context)
        if properties == bytes(event.properties) and context == bytes(event.context):
            return event
        return replace(event, properties=msgspec.Raw(properties), context=msgspec.Raw(context))

    def _names(self, document: bytes, allowed: frozenset[str] | None) -> bytes:
        fields = _fields(document)
        kept: dict[str, Any] = {}
        for name, raw in fields.items():
            lower = name.lower()
            if allowed is not None and lower not in allowed and lower not in ALWAYS:
                continue
            kept[name] = hashed_value(_decode(raw), self.key) if lower in self.hashed else raw
        return document if kept == fields else _encode(kept)

    def _inner(self, document: bytes, name: str) -> bytes:
        fields = _fields(document) if b'"' + name.encode() + b'"' in document else {}
        inner = bytes(fields.get(name, b""))
        if not inner.startswith(b"{"):
            return document
        after = self._names(inner, self.allowed)
        return document if after == inner else _encode({**fields, name: msgspec.Raw(after)})

    def _address(self, context: bytes) -> bytes:
        fields: Mapping[str, Any] = _fields(context)
        if "ip" not in fields:
            return context
        kept = dict(fields)
        address = _decode(kept.pop("ip"))
        if self.addresses == "truncate" and isinstance(address, str):
            network = truncated(address)
            if network == address:
                return context
            if network is not None:
                kept["ip"] = network
        return _encode(kept)


def _fields(document: bytes) -> _Fields:
    try:
        return _decode_fields(document)
    except msgspec.DecodeError:
        return {}
