"""Campaign effects over HTTP."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response

from api.access import require_token
from api.errors import RETRY_AFTER_S, Refused
from api.parts import Parts, parts_of
from infra.campaigns.measuring import CampaignEffects, measure_campaigns
from infra.clickhouse.failures import ClickHouseUnavailable
from infra.clock import now_ms
from streams.campaigns.uplift import MIN_RELATIVE, Looks
from streams.playbook.parts import CompiledCampaign

router = APIRouter(
    tags=["campaigns"],
    dependencies=[Depends(require_token)],
    responses={503: {"description": "`unavailable`: ClickHouse does not answer"}},
)

Since = Annotated[
    datetime | None,
    Query(description="only customers first exposed then or later: a day, or ISO 8601 (UTC)"),
]
LooksQuery = Annotated[
    Looks,
    Query(description="any: the verdict holds however often one looks; one: this look is planned"),
]
Least = Annotated[
    float,
    Query(
        gt=0, le=10, description="smallest effect worth finding, as a share of the held-out rate"
    ),
]


@router.get("/v1/campaigns", summary="What each campaign of the playbook changed")
async def campaigns(
    parts: Annotated[Parts, Depends(parts_of)],
    since: Since = None,
    looks: LooksQuery = "any",
    least: Least = MIN_RELATIVE,
) -> Response:
    """`{"as_of", "campaigns": [...], "not_in_playbook": [...]}`; `docs/reference/http.md`
    describes them."""
    found = await _measured(parts, parts.playbook.campaigns, since, looks, least)
    return _answer(found)


@router.get(
    "/v1/campaigns/{name:path}",
    summary="What one campaign changed",
    responses={404: {"description": "`campaign_not_found`"}},
)
async def campaign(
    name: Annotated[str, Path(description="its name in the playbook")],
    parts: Annotated[Parts, Depends(parts_of)],
    since: Since = None,
    looks: LooksQuery = "any",
    least: Least = MIN_RELATIVE,
) -> Response:
    """One of `/v1/campaigns`, with `as_of`."""
    known = parts.playbook.campaigns.get(name)
    if known is None:
        raise Refused(404, "campaign_not_found", f"the playbook has no campaign {name!r}")
    found = await _measured(parts, {name: known}, since, looks, least)
    return _answer({"as_of": found.as_of, **msgspec.to_builtins(found.campaigns[0])})


async def _measured(
    parts: Parts,
    asked: Mapping[str, CompiledCampaign],
    since: datetime | None,
    looks: Looks,
    least: float,
) -> CampaignEffects:
    try:
        return await asyncio.to_thread(
            measure_campaigns,
            parts.settings,
            asked,
            now=now_ms(),
            since=_milliseconds(since),
            looks=looks,
            least_relative=least,
        )
    except ClickHouseUnavailable as problem:
        raise Refused(
            503,
            "unavailable",
            f"ClickHouse cannot answer now: {problem}",
            {"Retry-After": str(RETRY_AFTER_S)},
        ) from None


def _milliseconds(since: datetime | None) -> int:
    if since is None:
        return 0
    utc = since if since.tzinfo is not None else since.replace(tzinfo=UTC)
    return max(0, round(utc.timestamp() * 1000))


def _answer(body: object) -> Response:
    return Response(
        msgspec.json.encode(body),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
