"""The 360° view of one customer over HTTP."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response
from redis.exceptions import RedisError

from api.access import require_token
from api.customer_ids import plain_id
from api.errors import RETRY_AFTER_S, UNREADABLE_RESPONSE, Refused
from api.parts import Parts, parts_of
from infra.clock import now_ms
from infra.redis.profile_reader import UnreadableProfileError
from schemas.models import Models
from schemas.profile import Profile
from streams.identity.aliases import Alias, aliases_of, email_alias, phone_alias
from streams.identity.profile_key import usable_id
from streams.views.customer_view import customer_view

router = APIRouter(tags=["customers"])


async def read_customer(parts: Parts, customer_id: str) -> Profile:
    """The profile of a customer or visitor, also under an id it was merged from.

    Refused: 404 `customer_not_found`; 503 while Redis is unavailable. UnreadableProfileError.
    """
    key = usable_id(plain_id(customer_id))
    try:
        profile = await parts.profiles.read(key) if key is not None else None
    except (RedisError, OSError):
        raise redis_unavailable() from None
    if profile is None:
        raise Refused(404, "customer_not_found", f"nobody is known as {customer_id!r}")
    return profile


def redis_unavailable() -> Refused:
    """The answer while profiles cannot be read."""
    return Refused(503, "unavailable", "Redis does not answer", {"Retry-After": str(RETRY_AFTER_S)})


@router.get(
    "/v1/customers",
    summary="Who is known by an e-mail address or a telephone number",
    dependencies=[Depends(require_token)],
    responses={
        400: {"description": "`bad_request`: nothing to look for, or it cannot be read"},
        **UNREADABLE_RESPONSE,
    },
)
async def customers(
    parts: Annotated[Parts, Depends(parts_of)],
    email: Annotated[str | None, Query(description="capitals make no difference")] = None,
    phone: Annotated[
        str | None, Query(description="with +, or national where DAEHWA_REGION is set")
    ] = None,
    id_: Annotated[str | None, Query(alias="id", description="any id, as it is")] = None,
) -> Response:
    """`{"customers": [...]}`, each as under `/v1/customers/{id}`: the customer with this id, or
    those with the value in their traits, the latest statement first. An unreadable profile is left
    out; 409 where it is the only one."""
    if id_ is not None:
        try:
            return _answer({"customers": [await view_of(parts, await read_customer(parts, id_))]})
        except Refused as problem:
            if problem.status != 404:
                raise
            return _answer({"customers": []})
    alias = _alias(email, phone, parts.settings.region)
    found: dict[str, dict[str, Any]] = {}
    unreadable: UnreadableProfileError | None = None
    try:
        for key in await parts.aliases.find(alias):
            try:
                profile = await parts.profiles.read(key)
            except UnreadableProfileError as problem:
                unreadable = problem
                continue
            if (
                profile is not None
                and profile.key not in found
                and alias in aliases_of(profile.traits, parts.settings.region)
            ):
                found[profile.key] = await view_of(parts, profile)
    except (RedisError, OSError):
        raise redis_unavailable() from None
    if unreadable is not None and not found:
        raise unreadable
    return _answer({"customers": list(found.values())})


@router.get(
    "/v1/customers/{customer_id:path}",
    summary="Everything known about one customer",
    dependencies=[Depends(require_token)],
    responses={404: {"description": "`customer_not_found`"}, **UNREADABLE_RESPONSE},
)
async def customer(
    customer_id: Annotated[
        str, Path(description="user id or anonymous id; escape a slash as %2F or leave it")
    ],
    parts: Annotated[Parts, Depends(parts_of)],
) -> Response:
    """Identities, traits, consent, lifecycle, dialogues by topic, churn, value, next offers and
    recent triggers; `docs/reference/http.md` describes every field."""
    profile = await read_customer(parts, customer_id)
    try:
        return _answer(await view_of(parts, profile))
    except (RedisError, OSError):
        raise redis_unavailable() from None


async def view_of(parts: Parts, profile: Profile) -> dict[str, Any]:
    """The 360° view of the profile, now, ready for JSON. Raises `RedisError` or `OSError`."""
    return customer_view(profile, parts.playbook, await models_of(parts, profile), now_ms())


async def models_of(parts: Parts, profile: Profile) -> Models:
    """The fitted and learned models for the profile. Raises `RedisError` or `OSError`."""
    learned = await parts.learned.of(parts.profiles.partition(profile.key))
    fitted = parts.models()
    return Models(learned.transitions, fitted.churn, fitted.value, learned)


def _answer(body: dict[str, Any]) -> Response:
    return Response(
        msgspec.json.encode(body),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _alias(email: str | None, phone: str | None, region: str) -> Alias:
    if (email is None) == (phone is None):
        raise Refused(400, "bad_request", "name one of email and phone")
    if email is not None:
        alias = email_alias(email)
        if alias is None:
            raise Refused(400, "bad_request", f"{email!r} is no e-mail address")
        return alias
    # In a query a plus sign that was not escaped arrives as a space.
    number = f"+{phone[1:]}" if phone is not None and phone[:1] == " " else str(phone)
    alias = phone_alias(number, region)
    if alias is None:
        advice = "" if region else ", or set DAEHWA_REGION to read national numbers"
        raise Refused(
            400,
            "bad_request",
            f"{number!r} cannot be read as a telephone number; write it as +8223123456{advice}",
        )
    return alias
