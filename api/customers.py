"""The 360° view of one customer over HTTP."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Response
from redis.exceptions import RedisError

from api.access import require_token
from api.errors import RETRY_AFTER_S, Refused
from api.parts import Parts, parts_of
from infra.clock import now_ms
from schemas.models import Models
from schemas.profile import Profile
from streams.customer_view import customer_view
from streams.identity import usable_id

router = APIRouter(tags=["customers"])


async def read_customer(parts: Parts, customer_id: str) -> Profile:
    """The profile of a customer or visitor, also under an id it was merged from.

    Refused: 404 `customer_not_found`; 503 while Redis is away.
    """
    key = usable_id(customer_id)
    try:
        profile = await parts.profiles.read(key) if key is not None else None
    except (RedisError, OSError):
        raise redis_away() from None
    if profile is None:
        raise Refused(404, "customer_not_found", f"nobody is known as {customer_id!r}")
    return profile


def redis_away() -> Refused:
    """The answer while profiles cannot be read."""
    return Refused(503, "unavailable", "Redis does not answer", {"Retry-After": str(RETRY_AFTER_S)})


@router.get(
    "/v1/customers/{customer_id:path}",
    summary="Everything known about one customer",
    dependencies=[Depends(require_token)],
    responses={404: {"description": "`customer_not_found`"}},
)
async def customer(
    customer_id: Annotated[
        str, Path(description="user id or anonymous id; escape a slash as %2F or leave it")
    ],
    parts: Annotated[Parts, Depends(parts_of)],
) -> Response:
    """Identities, traits, consent, lifecycle, dialogues by topic, churn, value, next offers and
    recent triggers; `docs/http.md` describes every field."""
    profile = await read_customer(parts, customer_id)
    try:
        learned = await parts.learned.of(parts.profiles.partition(profile.key))
    except (RedisError, OSError):
        raise redis_away() from None
    view = customer_view(profile, parts.playbook, Models(transitions=learned), now_ms())
    return Response(
        msgspec.json.encode(view),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
