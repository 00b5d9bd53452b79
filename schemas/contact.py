"""A contact event from other systems, on any channel."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from schemas.event import Channel, Direction

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Contact(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A contact with a customer. An unknown field is refused: a misspelt `outcom` is an error of
    the sender."""

    code: Text
    """Code of the contact: `complaint.opened`, `question.asked`, `order.placed`…; matched by the
    playbook."""
    channel: Annotated[Channel, msgspec.Meta(min_length=1)]
    """call, email, letter, store, order, delivery, chat…"""
    user_id: Text | None = None
    anonymous_id: Text | None = None
    customer_id: Text | None = None
    """Id of the customer as in triggers and the 360° view, of any kind."""
    phone: Text | None = None
    """Telephone number of the customer, for a contact without id."""
    email: Text | None = None
    """E-mail address of the customer, for a contact without id and known number."""
    direction: Direction = "inbound"
    operator: Text | None = None
    outcome: Text | None = None
    subject: Text | None = None
    """Subject line."""
    duration_s: Annotated[float, msgspec.Meta(ge=0, le=10_000_000)] | None = None
    """Seconds."""
    order_id: Text | None = None
    delivery_id: Text | None = None
    complaint_id: Text | None = None
    text: str | None = None
    """Full text. Archived only: in no profile."""
    occurred_at: Moment | None = None
    """ISO 8601 with a zone; now where it is missing, and never later."""
    message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    """Deduplicates retries."""
    properties: dict[str, Any] = {}
    """`about`, `category`, `total`…: fields of the playbook's topics."""
