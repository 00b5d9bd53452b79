"""A contact as other systems tell it: something said to or by a customer, on any channel."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from schemas.event import Channel, Direction

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Contact(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Something said to or by a customer. A field with an unknown name is refused: a clerk's system
    that writes `outcom` should hear of it now."""

    code: Text
    """What it was: `complaint.opened`, `question.asked`, `order.placed`…; the playbook reads it."""
    channel: Annotated[Channel, msgspec.Meta(min_length=1)]
    """call, email, letter, store, order, delivery, chat…"""
    user_id: Text | None = None
    anonymous_id: Text | None = None
    customer_id: Text | None = None
    """The id that triggers and the 360° view call the customer by, of whichever kind it is."""
    phone: Text | None = None
    """Names the customer by telephone number, where no id is given."""
    email: Text | None = None
    """Names the customer by e-mail address, where no id and no known number is given."""
    direction: Direction = "inbound"
    operator: Text | None = None
    outcome: Text | None = None
    subject: Text | None = None
    """What it was about, in a line."""
    duration_s: Annotated[float, msgspec.Meta(ge=0, le=10_000_000)] | None = None
    """Seconds."""
    order_id: Text | None = None
    delivery_id: Text | None = None
    complaint_id: Text | None = None
    text: str | None = None
    """What was said, whole. Only archived: no profile holds it."""
    occurred_at: Moment | None = None
    """ISO 8601 with a zone; now where it is missing, and never later."""
    message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    """Makes sending again harmless."""
    properties: dict[str, Any] = {}
    """`about`, `category`, `total`…: what the playbook's topics are made of."""
