"""What the collector accepts, the fold can read: nothing is accepted that decodes to no event."""

from typing import Any

import msgspec

from schemas.event import Context

DEEPEST = 100
"""Objects and lists in one another: decoders give up at a thousand, less what the stack is deep."""

_decode_properties = msgspec.json.Decoder(dict[str, Any]).decode
_decode_context = msgspec.json.Decoder(Context).decode
_decode_any = msgspec.json.Decoder().decode
_NOTHING = b"{}"


class UnreadableError(Exception):
    """The fold could not read it; the text says what."""


def readable_context(properties: msgspec.Raw, context: msgspec.Raw) -> msgspec.Raw:
    """The context as the fold can read it: a path that is a number is a text, a page that is no
    page is left out. UnreadableError where decoding the event would refuse these: a number that no
    computer number holds, too much in one another."""
    where = "`properties` or `traits`"
    try:
        data = bytes(properties)
        if data != _NOTHING:
            found = _decode_properties(data)
            if _may_be_deep(data):
                _check_depth(found)
        where = "`context`"
        data = bytes(context)
        if data != _NOTHING:
            try:
                _decode_context(data)
            except msgspec.ValidationError:
                context = _with_readable_page(data)
                data = bytes(context)
                _decode_context(data)
            if _may_be_deep(data):
                _check_depth(_decode_any(data))
    except msgspec.DecodeError as problem:
        raise UnreadableError(f"{where}: {problem}") from None
    except RecursionError:
        raise UnreadableError(f"{where}: more than {DEEPEST} deep in one another") from None
    return context


def _with_readable_page(data: bytes) -> msgspec.Raw:
    """The context without what of its page is no text; as it is where it has no page."""
    fields = _decode_any(data)
    page = fields.get("page") if isinstance(fields, dict) else None
    if page is None:
        return msgspec.Raw(data)
    kept = {}
    if isinstance(page, dict):
        for name, value in page.items():
            if name not in ("path", "url") or value is None or isinstance(value, str):
                kept[name] = value
            elif isinstance(value, int | float) and not isinstance(value, bool):
                kept[name] = str(value)
    return msgspec.Raw(msgspec.json.encode({**fields, "page": kept}))


def _may_be_deep(data: bytes) -> bool:
    # The dear question only where the document is long enough to be deep.
    return len(data) > 2 * DEEPEST and len(data) - len(data.translate(None, b"{[")) > DEEPEST


def _check_depth(document: Any) -> None:
    """RecursionError where it is more than `DEEPEST` deep; in levels, so that looking is safe."""
    level = [document]
    for _ in range(DEEPEST):
        level = [
            child
            for one in level
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise RecursionError
