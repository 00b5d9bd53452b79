"""Replay of dead letters of webhooks through the current mapping."""

import msgspec

from api.parts import Parts
from api.sources import mapped_events
from schemas.dead_letter import DeadLetter
from streams.dead_letters.replay import Again, StillDead, never_on_the_log, source_of
from streams.mapping.mapping_items import Unmapped
from streams.mapping.payloads import read_payload


async def read_source_letter(letter: DeadLetter, parts: Parts) -> list[Again] | StillDead:
    """The events of a source's dead letter, with its original time of receipt. A past ringing call
    fires no screen-pop. Refused: 503 while Redis is unavailable and an item names its customer by
    telephone number or e-mail address."""
    name, is_item = source_of(letter.origin)
    if name not in parts.sources:
        return StillDead(letter.reason, f"no source is called {name!r} any more")
    found = parts.sources[name]
    try:
        if is_item:
            items = [msgspec.json.decode(letter.payload)]
        else:
            items = found.mapper.items(read_payload(found.mapping, letter.payload))
        events = [
            event
            for item in items
            for event in await mapped_events(found, item, letter.at, parts, rings=False)
        ]
    except Unmapped as problem:
        return StillDead(problem.reason, problem.detail)
    except (msgspec.DecodeError, RecursionError) as problem:
        return StillDead("unreadable", str(problem))
    return never_on_the_log(events)
