"""Decodes a request's body into the payload of its mapping."""

import csv
import io
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from schemas.mapping import Mapping
from streams.mapping.mapping_items import Unmapped
from streams.values.json_mending import mended_json

MAX_ITEMS = 10_000
"""Maximum of items of one request."""

_decode = msgspec.json.Decoder().decode


def read_payload(mapping: Mapping, body: bytes) -> Any:
    """JSON as it is; a form as one object of texts; CSV as a list of objects of texts.

    Raises `Unmapped` (`unreadable`, `too_large`) for any other body.
    """
    try:
        if mapping.reads == "json":
            return read_json(body)
        text = body.decode("utf-8-sig", "replace")
        if mapping.reads == "form":
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=1_000))
        return _rows(mapping, text)
    except (ValueError, RecursionError, csv.Error) as problem:
        raise Unmapped("unreadable", f"the body is no {mapping.reads}: {problem}") from None


def read_json(data: bytes) -> Any:
    """The document, mended where it needs it. Raises `ValueError`, `RecursionError`."""
    try:
        data.decode()
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode(mended_json(data))


def _rows(mapping: Mapping, text: str) -> list[dict[str, str]]:
    reader = csv.reader(io.StringIO(text), delimiter=mapping.delimiter)
    columns = mapping.columns or tuple(next(reader, ()))
    return [dict(zip(columns, row, strict=False)) for row in reader if row]
