"""Which complaints were solved in time, as the archive tells it on the embedded ClickHouse."""

import random
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.clickhouse.migrations import MIGRATIONS, migrate
from infra.embedded.clickhouse.launch import launch
from infra.playbook.playbook_file import parse_playbook, read_playbook
from infra.settings import SHIPPED_PLAYBOOK, Settings
from schemas.event import Event, WireEvent
from streams.archive.rows import Place, block_token, event_columns
from streams.archive.tables import EVENT_COLUMNS, EVENTS_TABLE
from streams.codec.codec import decode_wire_envelope, encode_event
from streams.playbook.compiled import CompiledPlaybook
from tests.contract.test_archive import event, merge_of
from tests.harness.archive import empty_archive
from tests.harness.histories import BEGIN, MINUTE
from tests.harness.histories import event as happened
from tests.harness.paths import DOCS
from tests.harness.simulated_customer import SimulatedCustomer

SHOP = SHIPPED_PLAYBOOK.read_text(encoding="utf-8")
BOOK = read_playbook(SHIPPED_PLAYBOOK)
HOUR = 3_600_000
SLA = 48 * HOUR
NOW = int(time.time() * 1000)
LATE_COLUMNS = (
    "stage_ends", "sla_ms", "left_topics", "left_stages", "order_step", "order_key",
    "order_amount", "order_currency", "refund_key",
)  # fmt: skip
"""What migrations 0010 and later add."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("clickhouse")
    server = launch(folder / "data", folder / "log")
    yield Settings(clickhouse_url=server.url)
    server.stop()


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    client = open_client(settings)
    empty_archive(client)
    yield client
    client.disconnect()


@pytest.fixture
def inserter(settings: Settings, client: Client) -> Iterator[Inserter]:
    inserter = Inserter(settings)
    yield inserter
    inserter.close()


class Case(NamedTuple):
    """A row of the view; times in hours from now, so that the past is negative."""

    customer_id: str
    opened: float
    acknowledged: float | None = None
    resolved: float | None = None
    sla: float | None = 48
    in_time: int | None = None
    topic: str = "complaint/delivery"
    withdrawn: float | None = None

    @property
    def due(self) -> float | None:
        return None if self.sla is None else self.opened + self.sla


class Log:
    """A log on which contacts are written down, one a record."""

    def __init__(self, inserter: Inserter) -> None:
        self._inserter = inserter
        self._offset = 0

    def store(self, *events: WireEvent, playbook: CompiledPlaybook = BOOK) -> None:
        self._offset += 1
        place = Place("log", 0, self._offset)
        self._inserter.insert(
            EVENTS_TABLE, event_columns([(place, events)], playbook), block_token([place])
        )

    def store_as_before(self, client: Client, *events: WireEvent) -> None:
        """As a worker does that does not know the columns of migration 0010."""
        self._offset += 1
        rows = dict(
            zip(
                EVENT_COLUMNS,
                event_columns([(Place("log", 0, self._offset), events)], BOOK),
                strict=True,
            )
        )
        known = {name: column for name, column in rows.items() if name not in LATE_COLUMNS}
        client.execute(
            f"INSERT INTO {EVENTS_TABLE} ({', '.join(known)}) VALUES",
            list(known.values()),
            columnar=True,
        )


def said(who: str, code: str, hours: float, about: str = "delivery", **fields: Any) -> WireEvent:
    """A contact `hours` from now; a code without a dot is about a complaint."""
    at = NOW + round(hours * HOUR)
    return event(
        f"{code} {hours} {about}",
        type="contact",
        channel="call",
        name=code if "." in code else f"complaint.{code}",
        properties={"about": about},
        occurred_at=at,
        **{"user_id": who, "anonymous_id": None, "received_at": at, **fields},
    )


def cases(client: Client) -> list[Case]:
    """The view, with what it says of the due time and of how long a case is open held to the rest
    of it."""
    found = []
    for (
        who,
        topic,
        opened,
        acknowledged,
        resolved,
        sla,
        due,
        in_time,
        seconds,
        gone,
    ) in client.execute(
        "SELECT customer_id, topic, toUnixTimestamp64Milli(opened_at),"
        " toUnixTimestamp64Milli(acknowledged_at), toUnixTimestamp64Milli(resolved_at),"
        " sla_ms, toUnixTimestamp64Milli(due_at), in_time, open_seconds,"
        " toUnixTimestamp64Milli(withdrawn_at) FROM daehwa.complaints"
    ):
        assert due == (None if sla is None else opened + sla)
        if gone is not None:
            assert seconds == (gone - opened) / 1000
        elif resolved is None:
            assert 0 <= seconds - (NOW - opened) / 1000 < 600
        else:
            assert seconds == (resolved - opened) / 1000
        hours = [
            None if at is None else (at - NOW) / HOUR
            for at in (opened, acknowledged, resolved, gone)
        ]
        assert hours[0] is not None
        span = None if sla is None else sla / HOUR
        found.append(Case(who, hours[0], hours[1], hours[2], span, in_time, topic, hours[3]))
    return sorted(found, key=lambda case: case[:2])


MILLISECOND = 1 / HOUR
HISTORIES = [
    *(said("in time", code, at) for code, at in
      (("opened", -900), ("acknowledged", -899), ("working", -890), ("resolved", -860))),
    *(said("late", code, at) for code, at in
      (("opened", -900), ("opened", -850), ("working", -850), ("resolved", -840),
       ("working", -839), ("resolved", -838))),
    *(said("on the dot", code, at) for code, at in (("opened", -900), ("resolved", -852))),
    *(said("too late", code, at) for code, at in
      (("opened", -900), ("resolved", -852 + MILLISECOND))),
    *(said("overdue", code, at) for code, at in
      (("opened", -49), ("acknowledged", -48.5), ("opened", -2))),
    *(said("not due", code, at) for code, at in (("opened", -47), ("working", -1))),
    *(said("reopened", code, at) for code, at in
      (("opened", -900), ("resolved", -899), ("acknowledged", -880), ("opened", -800),
       ("opened", -780), ("acknowledged", -770), ("resolved", -700), ("opened", -3))),
    *(said("at once", code, -900) for code in ("resolved", "opened")),
    *(said("never opened", code, at) for code, at in
      (("working", -900), ("acknowledged", -890), ("resolved", -880), ("acknowledged", -870),
       ("working", -800))),
    *(said("only solved", "resolved", at) for at in (-900, -800)),
    *(said("asks", code, at, "price") for code, at in
      (("question.asked", -900), ("question.answered", -899))),
    *(said("complains of two", "opened", at, about) for at, about in
      ((-900, "delivery"), (-901, "colour"))),
    said("complains of two", "resolved", -890, "colour"),
    *(said(who, code, at, **fields) for who, code, at, fields in
      (("visitor", "opened", -900, {"user_id": None, "anonymous_id": "visitor"}),
       ("anna", "working", -899, {}), ("anna", "resolved", -870, {}))),
    merge_of("visitor", "anna"),
    *(said("withdrew", code, at) for code, at in
      (("opened", -900), ("working", -890), ("withdrawn", -880), ("opened", -800))),
]  # fmt: skip

EXPECTED = [
    Case("anna", -900, -899, -870, in_time=1),
    Case("at once", -900, None, -900, in_time=1),
    Case("complains of two", -901, None, -890, in_time=1, topic="complaint/colour"),
    Case("complains of two", -900, in_time=0),
    Case("in time", -900, -899, -860, in_time=1),
    Case("late", -900, -850, -840, in_time=0),
    Case("never opened", -900, -900, -880, in_time=1),
    Case("never opened", -800, -800, in_time=0),
    Case("not due", -47, -1),
    Case("on the dot", -900, None, -852, in_time=1),
    Case("overdue", -49, -48.5, in_time=0),
    Case("reopened", -900, None, -899, in_time=1),
    Case("reopened", -800, -770, -700, in_time=0),
    Case("reopened", -3),
    Case("too late", -900, None, -852 + MILLISECOND, in_time=0),
    Case("withdrew", -900, -890, in_time=None, withdrawn=-880),
    Case("withdrew", -800, in_time=0),
]


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_every_case_is_a_row_whatever_order_it_was_told_in(
    client: Client, inserter: Inserter, seed: int | None
) -> None:
    log = Log(inserter)
    told = list(HISTORIES)
    if seed is not None:
        random.Random(seed).shuffle(told)
    for start in range(0, len(told), 9):
        log.store(*told[start : start + 9])
    # A retry, and the copy that a merged profile forwarded, are no more events.
    log.store(*told[:9])
    log.store(*(msgspec.structs.replace(one, key="anna", hops=1) for one in told))
    found = cases(client)
    for case, expected in zip(found, EXPECTED, strict=True):
        assert case[:5] == pytest.approx(expected[:5], nan_ok=True)
        assert case[5:] == expected[5:]


def test_a_case_told_late_is_judged_by_when_it_happened(client: Client, inserter: Inserter) -> None:
    log = Log(inserter)
    log.store(said("u", "opened", -900), said("v", "opened", -900))
    assert [case.in_time for case in cases(client)] == [0, 0]
    log.store(said("u", "resolved", -870, received_at=NOW))
    log.store(said("v", "opened", -900.5, received_at=NOW))
    assert cases(client) == [
        Case("u", -900, None, -870, in_time=1),
        Case("v", -900.5, in_time=0),
    ]


def test_the_view_finds_overdue_what_the_fold_found_overdue(
    client: Client, inserter: Inserter
) -> None:
    chance = random.Random(11)
    codes = ("acknowledged", "working", "resolved", "resolved", "opened")
    events: list[Event] = []
    decided: set[tuple[Any, ...]] = set()
    for number in range(150):
        customer = SimulatedCustomer(BOOK, f"c{number}")
        begun: set[str] = set()
        minute = 0
        for index in range(chance.randrange(1, 12)):
            # Never 48 hours, so that no solution comes in the very moment the clock runs out; nor
            # two stages at once where the earlier of them is taken for the opening.
            minute += 60 * 5 * chance.choice([1 if number % 2 else 0, 1, 3, 7, 12])
            about = chance.choice(["delivery", "delivery", "colour"])
            # Of half of them nobody ever told how it began.
            code = chance.choice(codes[:4] if number % 2 else codes)
            if about not in begun and not number % 2:
                code = "opened"
            begun.add(about)
            customer.lives_until(minute)
            events.append(
                happened(
                    f"m{index}",
                    "contact",
                    name=f"complaint.{code}",
                    user_id=customer.key,
                    channel="call",
                    occurred_at=BEGIN + minute * MINUTE,
                    properties={"about": about},
                )
            )
            customer.take(events[-1])
        customer.lives_until(minute + 100 * 24 * 60)
        decided |= {
            (one.customer_id, one.topic, one.why["opened_at"], one.why["due"])
            for one in customer.triggers
            if one.type == "complaint.overdue"
        }
    chance.shuffle(events)
    Log(inserter).store(*(decode_wire_envelope(encode_event(one))[0][0] for one in events))
    assert len(decided) > 100
    assert decided == set(
        client.execute(
            "SELECT customer_id, topic, toUnixTimestamp64Milli(opened_at),"
            " toUnixTimestamp64Milli(due_at) FROM daehwa.complaints WHERE in_time = 0"
        )
    )


def test_the_clock_is_the_one_of_the_playbook_a_case_was_opened_under(
    client: Client, inserter: Inserter
) -> None:
    def shop(name: str, *changes: tuple[str, str]) -> CompiledPlaybook:
        text = SHOP
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return parse_playbook(text, name)

    strict = shop("strict", ("after: 48h", "after: 4h"))
    none = shop("none", ("when: complaint.overdue\n    topic: complaint/*\n    after: 48h",
                         "when: silence\n    after: 48h"))  # fmt: skip
    asked = shop("asked", ("topic: complaint/*\n    after: 48h", "topic: service/*\n    after: 6h"))
    log = Log(inserter)
    log.store(said("a", "opened", -900), said("b", "opened", -900))
    log.store(said("c", "opened", -900), said("e", "opened", -900), playbook=none)
    log.store(said("a", "resolved", -890), said("c", "resolved", -890), playbook=strict)
    log.store(said("d", "opened", -900), said("d", "resolved", -890), playbook=strict)
    log.store(said("b", "resolved", -890), playbook=none)
    log.store(said("b", "working", -901), playbook=strict)  # before the case
    log.store(said("q", "question.asked", -900), said("r", "question.asked", -900), playbook=asked)
    # Nobody has a clock for questions any more; those there were are cases all the same.
    log.store(said("q", "question.answered", -899), said("s", "question.asked", -9, "other"))
    service = "service/delivery"
    assert cases(client) == [
        Case("a", -900, None, -890, in_time=1),
        Case("b", -900, None, -890, in_time=1),
        Case("c", -900, None, -890, sla=None),
        Case("d", -900, None, -890, sla=4, in_time=0),
        Case("e", -900, sla=None),
        Case("q", -900, None, -899, sla=6, in_time=1, topic=service),
        Case("r", -900, sla=6, in_time=0, topic=service),
    ]


def test_rows_from_before_have_no_clock_and_end_where_later_rows_say(
    settings: Settings, client: Client, inserter: Inserter, tmp_path: Path
) -> None:
    client.execute("DROP DATABASE daehwa SYNC")
    for path in MIGRATIONS.glob("*.sql"):
        if path.name < "0010":
            shutil.copy(path, tmp_path)
    migrate(client, tmp_path)
    log = Log(inserter)
    log.store_as_before(client, said("old", "opened", -900), said("old", "resolved", -800),
                        said("open", "opened", -700))  # fmt: skip
    assert "0010_complaints.sql" in migrate(client)
    inserter.complete_facts("log", (0,), 1)
    assert cases(client) == [Case("old", -900, -800, sla=None), Case("open", -700, sla=None)]
    # An older worker goes on for a while; then the new one.
    log.store_as_before(client, said("older worker", "opened", -600))
    log.store(said("older worker", "resolved", -590), said("old", "opened", -500))
    expected = [
        Case("old", -900, None, -800, sla=None),
        Case("old", -500, in_time=0),
        Case("older worker", -600, None, -590, sla=None),
        Case("open", -700, sla=None),
    ]
    assert cases(client) == expected
    client.execute(f"OPTIMIZE TABLE {EVENTS_TABLE} FINAL")
    assert cases(client) == expected


def test_the_documented_query_tells_the_share_by_month_and_topic(
    client: Client, inserter: Inserter
) -> None:
    text = (DOCS / "reference" / "sql.md").read_text(encoding="utf-8")
    (query,) = (
        found
        for found in re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
        if "daehwa.complaints" in found
    )
    Log(inserter).store(*HISTORIES)
    expected: dict[tuple[str, str], list[int | None]] = {}
    for case in EXPECTED:
        opened = datetime.fromtimestamp((NOW + round(case.opened * HOUR)) / 1000, UTC)
        expected.setdefault((f"{opened:%Y-%m-01}", case.topic), []).append(case.in_time)
    judged = {
        place: (len(known), sum(known) / len(known), found.count(None))
        for place, found in expected.items()
        if (known := [one for one in found if one is not None])
    }
    answer = {
        (str(month), topic): (count, share, waiting)
        for month, topic, count, share, waiting in client.execute(query)
    }
    assert {place: answer[place] for place in judged} == judged
