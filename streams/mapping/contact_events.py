"""A contact as an event."""

from typing import Any

import msgspec

from schemas.contact import Contact
from schemas.event import WireEvent
from streams.identity.profile_key import profile_key, usable_id
from streams.tracking.times import dated_ahead

_IN_PROPERTIES = ("subject", "duration_s", "order_id", "delivery_id", "complaint_id")
_EARLIEST = 1

_encode = msgspec.json.Encoder().encode


class ContactRefused(Exception):  # noqa: N818 - what the API says of it
    """The contact is invalid: `code` and the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def contact_event(
    contact: Contact, message_id: str, received_at: int, source: str, named: str | None = None
) -> WireEvent:
    """The event of a contact received at `received_at` (milliseconds).

    `named` is the key of the profile that its telephone number or e-mail address names, looked up
    for a contact without id. The text goes into the context, which the fold does not read: it is
    archived and in no profile. Raises `ContactRefused`.
    """
    at = received_at
    if contact.occurred_at is not None:
        try:
            at = int(contact.occurred_at.timestamp() * 1000)
        except OverflowError:
            at = 0
    if at < _EARLIEST:
        raise ContactRefused("invalid_contact", "occurred_at is before 1970")
    event = WireEvent(
        message_id=message_id,
        type="contact",
        occurred_at=min(at, received_at),
        received_at=received_at,
        user_id=usable_id(contact.user_id),
        anonymous_id=usable_id(contact.anonymous_id),
        key=usable_id(contact.customer_id) or named,
        channel=contact.channel,
        name=contact.code,
        direction=contact.direction,
        operator=contact.operator,
        outcome=contact.outcome,
        properties=msgspec.Raw(_encode(_properties(contact))),
        context=msgspec.Raw(_encode({"text": contact.text} if contact.text else {})),
        source=source,
        stated_at=at if dated_ahead(at, None, received_at) else None,
    )
    if profile_key(event) is None:
        raise ContactRefused(
            "no_identity",
            "say who it was: a usable user_id, anonymous_id or customer_id, a phone or an email",
        )
    return event


def names_nobody(contact: Contact) -> bool:
    """Whether the contact has no usable id, so that phone and e-mail address are looked up."""
    return not any(
        usable_id(one) for one in (contact.user_id, contact.anonymous_id, contact.customer_id)
    )


def _properties(contact: Contact) -> dict[str, Any]:
    stated = {
        name: value for name in _IN_PROPERTIES if (value := getattr(contact, name)) is not None
    }
    return {**contact.properties, **stated} if stated else contact.properties
