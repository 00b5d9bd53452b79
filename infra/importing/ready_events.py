"""Events that need no mapping: items of the tracking protocol, and contacts."""

from typing import Any, cast

import msgspec

from schemas.contact import Contact
from schemas.mapping import EventKind
from streams.mapping.contact_mending import mended_contact
from streams.mapping.mapping_items import Mapped, Unmapped
from streams.tracking.body import Body
from streams.tracking.events import KINDS, LARGEST_EVENT, read_events

_encode = msgspec.json.Encoder().encode
_NOW = 253_402_300_799_999
"""Arbitrary time of receipt, for validation only."""


class ReadyEvents:
    """Accepts items as they are: those with a `type` are tracking events, those with a `code`
    contacts."""

    def items(self, payload: Any) -> list[Any]:
        """A line is an item."""
        return [payload]

    def events(self, item: Any, place: str | None = None) -> list[Mapped]:
        """The item, with a message id of its position where it has none. Raises `Unmapped`."""
        if not isinstance(item, dict):
            raise Unmapped("invalid_event", "is no JSON object")
        if item.get("type") in KINDS:
            return [_tracked(item, place)]
        fields = {name: value for name, value in item.items() if name != "type"}
        fields.setdefault("message_id", f"send:{place}")
        try:
            contact = msgspec.convert(mended_contact(fields), Contact)
        except msgspec.ValidationError as problem:
            said = "needs a `type` or is to be a contact" if "code" not in item else "no contact"
            raise Unmapped("invalid_event", f"{said}: {problem}") from None
        body = _encode(contact)
        if len(body) > LARGEST_EVENT:
            raise Unmapped("too_large", f"has more than {LARGEST_EVENT} bytes")
        return [Mapped("contact", body, contact)]


def _tracked(item: dict[str, Any], place: str | None) -> Mapped:
    if not item.get("messageId"):
        item = {**item, "messageId": f"send:{place}"}
    body = _encode(item)
    rejected = read_events(Body([msgspec.Raw(body)], None), None, _NOW, "")[1]
    if rejected:
        raise Unmapped(rejected[0].reason, rejected[0].detail)
    return Mapped(cast(EventKind, item["type"]), body)
