"""A mapping: how a foreign payload becomes events. `docs/how-to/sources.md` describes the
language."""

from typing import Literal

import msgspec

EventKind = Literal["contact", "track", "identify"]


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the sender proves who it is."""

    scheme: Literal[
        "twilio", "sendgrid", "zendesk", "mailgun", "sns", "basic", "standard-webhooks",
        "hmac-sha256",
    ]  # fmt: skip
    secret: str
    """The environment variable that holds it: its name begins with DAEHWA_SECRET_."""
    header: str | None = None
    """Of `hmac-sha256`: the header with the digest of the body, in hexadecimal or base64."""
    prefix: str = ""
    """Of `hmac-sha256`: what stands before the digest, such as `sha256=`."""


class EventRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One event made of an item; `fields` and `properties` are CEL expressions."""

    if_: str = msgspec.field(default="true", name="if")
    type: EventKind = "contact"
    fields: dict[str, str]
    properties: dict[str, str] = {}
    """An identify event's traits."""


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    version: Literal[1]
    name: str
    reads: Literal["json", "form", "csv"]
    events: tuple[EventRule, ...]
    """Every rule whose `if` holds makes an event of the item."""
    signature: Signature | None = None
    """None: whoever sends has the API token."""
    items: str = "payload"
    """Of JSON: the expression for the item or the list of items in `payload`."""
    let: dict[str, str] = {}
    """Names for values that several expressions need; each may use those before it."""
    skip: tuple[str, ...] = ()
    """Conditions of items that are of no interest."""
    message_id: str | None = None
    """What the sender calls the item: the same one counts once."""
    region: str = ""
    """Whose national telephone numbers are meant (ISO 3166); else that of the settings."""
    decimal: str = ""
    """The decimal mark of `number`, `.` or `,`; empty: a number that could be two is refused."""
    zone: str = "UTC"
    """The time zone of times without one."""
    encoding: str = "utf-8"
    """Of files: utf-8, cp949, …"""
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    """Of CSV without a header line: the names of the columns; the last may be missing in a line."""
