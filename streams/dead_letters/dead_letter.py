"""Dead letters: the payload of an event that could not be folded, with the reason."""

from typing import cast

import msgspec
from xxhash import xxh3_128_hexdigest

from schemas.dead_letter import DeadLetter, DeadLetterReason

MAX_DETAIL_LENGTH = 2_000
"""Characters: a short traceback fits."""


def dead_letter(
    reason: str, detail: str, origin: str, payload: bytes, at: int, batch: bytes = b""
) -> DeadLetter:
    """The dead letter of `payload`; `at` in milliseconds. Its id is a hash of origin and payload:
    the same failure reported twice is one dead letter."""
    digest = xxh3_128_hexdigest(origin.encode("utf-8", "surrogatepass") + b"\x1f" + payload)
    return DeadLetter(
        id="dead_" + digest,
        reason=cast(DeadLetterReason, reason),
        detail=detail[:MAX_DETAIL_LENGTH],
        origin=origin,
        at=at,
        payload=payload,
        batch=batch,
    )


def shown_payload(payload: bytes) -> dict[str, object]:
    """The payload in the most readable form: `{"json": …}` (unchanged, as `msgspec.Raw`), else
    `{"text": …}`, else `{"hex": …}`."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return {"hex": payload.hex()}
    try:
        return {"json": msgspec.json.decode(payload, type=msgspec.Raw)}
    except (msgspec.DecodeError, RecursionError):
        return {"text": text}
