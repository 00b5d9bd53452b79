"""What the playbook makes of an event that is archived, a field a column."""

from typing import Any, Final

import msgspec

from schemas.event import NO_CONTEXT, Context, Event, WireEvent
from streams.archive.tables import LATEST
from streams.codec.codec import UNREADABLE
from streams.orders.told import Told, told_of
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.matching import Match, Matched, match_event
from streams.quality.findings import NOTHING_SEEN, Seen
from streams.triggers.complaint_overdue import promised

NO_ORDER: Final[tuple[Any, ...]] = ("", "", 0, "", "")

_MOST_UINT8: Final = 255
_NO_AMOUNT: Final = -(2**62)
"""`order_amount` where none was stated. Of a refund -1 is everything."""

_properties_decoder = msgspec.json.Decoder(dict[str, Any])
_context_decoder = msgspec.json.Decoder(Context)


class MatchedRow(msgspec.Struct, frozen=True, gc=False):
    """The columns that the playbook has a say in."""

    topics: list[str] = []
    stages: list[str] = []
    ranks: list[int] = []
    ends: list[int] = []
    promised: list[int] = []
    value: int = 0
    currency: str = ""
    left_topics: list[str] = []
    left_stages: list[str] = []
    order: tuple[Any, ...] = NO_ORDER
    """Step, key, hundredths, currency, key of the refund."""
    seen: Seen = NOTHING_SEEN


_NOTHING: Final = MatchedRow()
_UNKNOWN: Final = MatchedRow(seen=Seen(looks_known=True))
"""Of an event that the playbook does not know, whose name looks like one it does."""


class MatchedRows:
    """The rows of the events of one block under one playbook."""

    def __init__(self, playbook: CompiledPlaybook) -> None:
        self._playbook = playbook
        self._usual: dict[tuple[str, str], MatchedRow] = {}
        """(topic, stage) -> the row of an event that brings one topic to one stage."""

    def row_of(self, event: WireEvent) -> MatchedRow:
        """The row. Never raises for the content of an event: one whose properties the playbook
        cannot read has no topics."""
        kind = event.type
        dispatch = self._playbook.dispatch
        context = NO_CONTEXT
        if kind == "track":
            if not dispatch.rules_of(event.name or ""):
                return _UNKNOWN if dispatch.nearest(event.name or "") else _NOTHING
        elif kind == "contact":
            if not dispatch.rules_of_contact(event.name or "", event.channel):
                return _UNKNOWN if dispatch.nearest(event.name or "") else _NOTHING
        elif kind not in ("page", "screen"):
            return _NOTHING
        try:
            properties = _properties_decoder.decode(event.properties)
            if kind in ("page", "screen"):
                path = properties.get("path")
                if not (path and isinstance(path, str)):  # the page is asked, as `match_event` does
                    context = _context_decoder.decode(event.context)
        except UNREADABLE:
            return _NOTHING
        happened = Event(
            message_id=event.message_id,
            type=kind,
            occurred_at=event.occurred_at,
            received_at=event.received_at,
            channel=event.channel,
            name=event.name,
            properties=properties,
            context=context,
            source=event.source,
        )
        return self._row(event, happened, match_event(happened, dispatch))

    def _row(self, event: WireEvent, happened: Event, found: Matched) -> MatchedRow:
        matches, step = found.matches, found.step
        differs = event.type == "track" and event.name not in self._playbook.dispatch.events
        if len(matches) == 1 and step is None and not found.leaves and not differs:
            place = (matches[0].topic, matches[0].stage)
            usual = self._usual.get(place)
            if usual is None:
                usual = self._usual[place] = self._reached(matches)
            return usual
        topicless = (
            not matches
            and not found.leaves
            and step in (None, "placed")
            and event.type in ("track", "contact")
        )
        told = None if step is None else told_of(happened, step, self._playbook)
        if not matches and not found.leaves and told is None and not topicless:
            return _NOTHING
        left = [(leave.topic, stage) for leave in found.leaves for stage in leave.stages]
        placed = told is not None and step == "placed"
        return msgspec.structs.replace(
            self._reached(matches),
            value=(told.amount or 0) if told is not None and placed else 0,
            currency=told.currency if told is not None and placed else "",
            left_topics=[topic for topic, _ in left],
            left_stages=[stage for _, stage in left],
            order=NO_ORDER if told is None else _order(told),
            seen=Seen(happened.properties, told, topicless, differs),
        )

    def _reached(self, matches: list[Match]) -> MatchedRow:
        """The stages, whether each is the last of its ladder, and the time promised for its
        topic."""
        playbook = self._playbook
        return MatchedRow(
            [match.topic for match in matches],
            [match.stage for match in matches],
            [
                min(max(playbook.rank(match.topic, match.stage), 0), _MOST_UINT8)
                for match in matches
            ],
            [int(match.place in playbook.ends) for match in matches],
            [min(promised(match.topic, playbook), LATEST) for match in matches],
        )


def _order(told: Told) -> tuple[Any, ...]:
    amount = _NO_AMOUNT if told.amount is None else told.amount
    return told.step, told.key or "", amount, told.currency, told.refund
