"""Mending of a contact: one odd field does not condemn it.

Absent are `null`, an empty text, list or object. A number where a text belongs is a text. A text
that is too long is cut, and `cut` among the properties names it; an id is never cut, because two
people could then be one.
"""

from typing import Any

from xxhash import xxh3_128_hexdigest

MAX_TEXT = 200
"""Characters of a text field."""

MAX_CHANNEL = 64
MAX_MESSAGE_ID = 100

_CUT = {
    "code": MAX_TEXT, "channel": MAX_CHANNEL, "operator": MAX_TEXT, "outcome": MAX_TEXT,
    "subject": MAX_TEXT,
}  # fmt: skip
_TEXTS = frozenset(
    {*_CUT, "user_id", "anonymous_id", "customer_id", "phone", "email", "order_id", "delivery_id",
     "complaint_id", "text", "message_id"}
)  # fmt: skip


def mended_contact(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a contact as they were meant; what is still wrong the decoder says."""
    mended: dict[str, Any] = {}
    cut = []
    for name, value in fields.items():
        if value is None or value in ("", [], {}):
            continue
        if name in _TEXTS and isinstance(value, int | float) and not isinstance(value, bool):
            value = _number_as_text(value)  # noqa: PLW2901 - the field as it was meant
        if name == "message_id" and isinstance(value, str) and len(value) > MAX_MESSAGE_ID:
            value = xxh3_128_hexdigest(value.encode("utf-8", "surrogatepass"))  # noqa: PLW2901
        most = _CUT.get(name)
        if most is not None and isinstance(value, str) and len(value) > most:
            value = value[:most]  # noqa: PLW2901
            cut.append(name)
        mended[name] = value
    if cut:
        properties = mended.get("properties")
        known = properties if isinstance(properties, dict) else {}
        mended["properties"] = {**known, "cut": cut}
    return mended


def _number_as_text(value: float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
