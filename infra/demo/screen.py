"""The live view: a few numbers, the addresses, and triggers with their reasons."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from streams.triggers.registry import KINDS


def colour_of(kind: str) -> str:
    """The colour of a trigger type, a name of rich."""
    found = KINDS.get(kind)
    return "white" if found is None else found.colour


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers at one moment; None stands for a part that does not answer."""

    accepted_per_second: float
    accepted: int
    folded_per_second: float
    folded: int | None
    profiles: int | None
    archived: int | None
    histories_sent: int
    histories: int
    fired: Counter[str]


UNKNOWN = "?"
_INDENT = " " * 9
_OTHER_LINES = 4
"""The second row of numbers, the rule, the last line, and one that the cursor stands on."""

Addresses = Sequence[tuple[str, str]]
"""(what, URL)."""


def screen(
    status: Status,
    addresses: Addresses,
    shown: Iterable[dict[str, Any]],
    width: int,
    height: int,
) -> RenderableType:
    """The whole view for a terminal of `width` columns and `height` lines; triggers take what the
    rest leaves of it, each whole."""
    head: list[RenderableType] = [_numbers(status), _fired(status), *_links(addresses)]
    room = height - len(head) - _OTHER_LINES
    triggers: list[RenderableType] = []
    for trigger in shown:
        lines = _trigger_lines(trigger, width)
        if triggers and len(triggers) + len(lines) > room:
            break
        triggers += lines
    if not triggers:
        triggers = [Text("waiting for the first trigger …", style="dim")]
    return Group(*head, Rule(style="dim"), *triggers, Text("Ctrl-C stops everything", style="dim"))


def status_line(status: Status) -> str:
    """The numbers as one line of plain text."""
    fired = ", ".join(f"{kind} {count}" for kind, count in status.fired.most_common())
    return (
        f"{status.accepted_per_second:.0f} events/s, {status.accepted} accepted, "
        f"{_number(status.folded)} folded, {_number(status.profiles)} profiles, "
        f"{_number(status.archived)} archived, "
        f"{status.histories_sent}/{status.histories} purchase histories; "
        f"triggers: {fired or 'none yet'}"
    )


def trigger_text(trigger: dict[str, Any]) -> str:
    """One trigger as one line of plain text."""
    return f"{_clock(trigger)} {trigger['type']} {trigger['customer_id']}: {trigger['reason']}"


def _numbers(status: Status) -> Table:
    table = Table.grid(padding=(0, 2))
    for name in _NUMBERS:
        # As wide as its numbers ever get, so that nothing jumps while a person reads.
        table.add_column(width=max(13, len(name)))
    table.add_row(*(Text(name, style="dim") for name in _NUMBERS))
    table.add_row(
        Text(f"{status.accepted_per_second:.0f} events/s", style="bold"),
        Text(f"{status.folded_per_second:.0f} events/s", style="bold"),
        Text(_number(status.profiles), style="bold"),
        Text(_number(status.archived), style="bold"),
        Text(f"{status.histories_sent:,} of {status.histories:,}", style="bold"),
    )
    return table


_NUMBERS = ("accepted", "folded", "profiles", "archived", "real histories")


def _fired(status: Status) -> Text:
    text = Text("triggers ", style="dim")
    for kind, count in sorted(status.fired.items()):
        text.append(f" {kind} ", style=colour_of(kind))
        text.append(f"{count:,} ", style="bold")
    return text


def _links(addresses: Addresses) -> list[Text]:
    return [
        Text.assemble((f"{what:<11}", "dim"), (url, f"link {url}"), overflow="fold")
        for what, url in addresses
    ]


def _trigger_lines(trigger: dict[str, Any], width: int) -> list[RenderableType]:
    what = Text.assemble(
        (f"{_clock(trigger)} ", "dim"),
        (f"{trigger['type']:<14}", f"bold {colour_of(trigger['type'])}"),
        (f"{trigger['customer_id']:<24} ", "bold"),
        (trigger.get("topic") or "", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )
    why = wrap(trigger["reason"], width, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return [what, *(Text(line) for line in why)]


def _clock(trigger: dict[str, Any]) -> str:
    # In the zone of the clock on the wall beside the terminal.
    return datetime.fromtimestamp(trigger["decided_at"] / 1000).strftime("%H:%M:%S")


def _number(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"
