"""Decodes a request's body into the payload of its mapping."""

import csv
import io
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from schemas.mapping import Mapping
from streams.mapping.mapping_items import Unmapped

MAX_ITEMS = 10_000
"""Maximum of items of one request."""

_decode = msgspec.json.Decoder().decode


def read_payload(mapping: Mapping, body: bytes) -> Any:
    """JSON as it is; a form as one object of texts; CSV as a list of objects of texts.

    Raises `Unmapped` (`unreadable`, `too_large`) for any other body.
    """
    try:
        if mapping.reads == "json":
            return _decode(body)
        text = body.decode("utf-8-sig")
        if mapping.reads == "form":
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=1_000))
        return _rows(mapping, text)
    except (ValueError, RecursionError, csv.Error) as problem:
        raise Unmapped("unreadable", f"the body is no {mapping.reads}: {problem}") from None


def _rows(mapping: Mapping, text: str) -> list[dict[str, str]]:
    reader = csv.reader(io.StringIO(text), delimiter=mapping.delimiter)
    columns = mapping.columns or tuple(next(reader, ()))
    return [dict(zip(columns, row, strict=False)) for row in reader if row]
