"""What campaigns changed, counted by the product's query on the embedded ClickHouse."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_driver import Client

from infra.campaigns.counting import ArmCounts, count_campaigns
from infra.campaigns.measuring import CampaignEffect, campaign_effect, measure_campaigns
from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.embedded.clickhouse.launch import launch
from infra.settings import Settings
from schemas.trigger import Trigger
from streams.archive.rows import (
    Place,
    block_token,
    event_columns,
    trigger_columns,
)
from streams.archive.tables import EVENTS_TABLE, TRIGGERS_TABLE
from streams.campaigns.uplift import Arm, Looks
from streams.playbook.compiled import CompiledCampaign, CompiledPlaybook
from tests.contract.campaign_runs import BEGIN, DAY, END, Run, archive, playbook, simulate
from tests.contract.test_archive import event, merge_of
from tests.harness.archive import empty_archive
from tests.harness.paths import DOCS

WEEK = 7 * DAY


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("clickhouse")
    server = launch(folder / "data", folder / "log")
    yield Settings(clickhouse_url=server.url)
    server.stop()


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    client = open_client(settings, answer_seconds=300)
    empty_archive(client)
    yield client
    client.disconnect()


@pytest.fixture
def inserter(settings: Settings, client: Client) -> Iterator[Inserter]:
    inserter = Inserter(settings)
    yield inserter
    inserter.close()


# Counted by hand

BOOK = playbook("spring", 0.5)
SPRING = BOOK.campaigns["spring"]


class Log:
    """A log that is written down row by row."""

    def __init__(self, inserter: Inserter) -> None:
        self._inserter = inserter
        self._offset = 0

    def exposed(self, customer: str, at: int, arm: str = "treated", **fields: Any) -> None:
        """A decision of the campaign, `at` milliseconds after the beginning."""
        fired = arm == "treated"
        trigger = Trigger(
            id=f"{customer}-{at}",
            type="stage.reached",
            rule="greet",
            customer_id=customer,
            occurred_at=BEGIN + at - 5,
            decided_at=BEGIN + at,
            decision="fire" if fired else "suppressed",
            suppressed_by=None if fired else "holdout",
            reason="because",
            why={},
            arm=arm,  # type: ignore[arg-type]
            **{"campaign": "spring", **fields},
        )
        place = self._next()
        columns = trigger_columns([(place, trigger)])
        self._inserter.insert(TRIGGERS_TABLE, columns, block_token([place]))

    def bought(
        self, who: dict[str, str], at: int, category: str = "hats", **properties: Any
    ) -> None:
        """An order, `at` milliseconds after the beginning."""
        self.store(
            event(
                f"order-{self._offset}",
                name="Order Completed",
                occurred_at=BEGIN + at,
                received_at=BEGIN + at,
                properties={"category": category, **properties},
                **{"anonymous_id": None, **who},
            )
        )

    def store(self, *events: Any) -> None:
        """Any events."""
        place = self._next()
        columns = event_columns([(place, list(events))], BOOK)
        self._inserter.insert(EVENTS_TABLE, columns, block_token([place]))

    def _next(self) -> Place:
        self._offset += 1
        return Place("log", 0, self._offset)


def arms(
    client: Client, campaign: CompiledCampaign = SPRING, **options: int
) -> dict[str, ArmCounts]:
    counts = count_campaigns(client, [campaign], **{"now": END, **options})
    return {arm: counts.arms[name, arm] for name, arm in counts.arms if name == campaign.name}


def user(name: str) -> dict[str, str]:
    return {"user_id": name}


def test_a_conversion_comes_after_the_first_exposure_and_within_the_time(
    client: Client, inserter: Inserter
) -> None:
    log = Log(inserter)
    for name in ("before", "at", "after", "last", "late", "elsewhere", "never"):
        log.exposed(name, 1_000)
        log.exposed(name, WEEK - 1)  # a second exposure gives no second week
    log.exposed("held", 1_000, "held_out")
    for name, at in (
        ("before", 999),
        ("at", 1_000),
        ("after", 1_001),
        ("last", 1_000 + WEEK),
        ("late", 1_001 + WEEK),
        ("held", 2_000),
        ("held", 3_000),
        ("not exposed", 2_000),
    ):
        log.bought(user(name), at)
    log.store(
        event("e", user_id="elsewhere", name="Product Viewed", properties={"category": "hats"},
              occurred_at=BEGIN + 2_000, received_at=END),
    )  # fmt: skip
    found = arms(client)
    assert found["treated"].arm == Arm(7, 2)
    assert found["held_out"].arm == Arm(1, 1)
    assert found["treated"].pending == 0


def test_an_exact_topic_and_every_topic_convert_as_they_say(
    client: Client, inserter: Inserter
) -> None:
    log = Log(inserter)
    for name in ("hats", "hatstands"):
        log.exposed(name, 1_000)
        log.bought(user(name), 2_000, category=name)
    log.bought(user("end"), END - BEGIN)
    exact = CompiledCampaign("spring", "product/hats", None, ("purchase",), WEEK, 0.5)
    every = CompiledCampaign("spring", "*", "", ("purchase",), WEEK, 0.5)
    stage = CompiledCampaign("spring", "*", "", ("cart", "details"), WEEK, 0.5)
    assert arms(client, exact)["treated"].arm == Arm(2, 1)
    assert arms(client, every)["treated"].arm == Arm(2, 2)
    assert arms(client, stage)["treated"].arm == Arm(2, 0)


def test_a_visitor_who_became_a_customer_is_one_customer_in_the_first_arm(
    client: Client, inserter: Inserter
) -> None:
    log = Log(inserter)
    log.exposed("visitor", 1_000, "held_out")
    log.exposed("anna", 5_000)
    log.exposed("bert", 5_000)
    log.store(merge_of("visitor", "anna"))
    log.bought(user("anna"), 3_000)
    log.bought({"anonymous_id": "visitor"}, 500)
    log.bought(user("end"), END - BEGIN)
    found = arms(client)
    assert (found["held_out"].arm, found["held_out"].crossed) == (Arm(1, 1), 1)
    assert (found["treated"].arm, found["treated"].crossed) == (Arm(1, 0), 0)


def test_who_still_has_time_is_pending_whatever_they_did(
    client: Client, inserter: Inserter
) -> None:
    log = Log(inserter)
    for name, at in (("over", 0), ("ends now", 1_000), ("not yet", 2_000)):
        log.exposed(name, at)
        log.bought(user(name), at + 10)
    log.bought(user("end"), 1_000 + WEEK)
    found = arms(client)
    assert (found["treated"].arm, found["treated"].pending) == (Arm(1, 1), 2)
    # The archive is behind: it speaks up to its last receipt. And never beyond now.
    log.bought(user("from the future"), END - BEGIN + DAY)
    assert arms(client)["treated"].arm == Arm(3, 3)
    found = arms(client, now=BEGIN + WEEK + 1)
    assert (found["treated"].arm, found["treated"].pending) == (Arm(1, 1), 2)


def test_only_those_first_exposed_since_count(
    settings: Settings, client: Client, inserter: Inserter
) -> None:
    log = Log(inserter)
    for name, at in (("early", 1_000), ("early", 9_000), ("late", 9_000)):
        log.exposed(name, at)
    log.exposed("other", 1_000, campaign="gone")
    log.bought(user("late"), 9_500)
    log.bought(user("end"), END - BEGIN)
    assert arms(client)["treated"].arm == Arm(2, 1)
    assert arms(client, since=BEGIN + 9_000)["treated"].arm == Arm(1, 1)
    effects = measure_campaigns(settings, {"spring": SPRING}, now=END)
    assert [effect.name for effect in effects.campaigns] == ["spring"]
    assert effects.not_in_playbook == ("gone",)
    assert effects.as_of == END


def test_what_was_spent_within_the_time_is_summed_by_currency(
    settings: Settings, client: Client, inserter: Inserter
) -> None:
    log = Log(inserter)
    for number in range(4):
        log.exposed(f"t{number}", 1_000)
        log.exposed(f"h{number}", 1_000, "held_out")
    for name, at, total, currency in (
        ("t0", 2_000, 10, "EUR"),
        ("t0", 3_000, 5, "EUR"),
        ("t0", WEEK + 2_000, 1_000, "EUR"),
        ("t1", 2_000, 7, "USD"),
        ("h0", 2_000, 3, "EUR"),
        ("h1", 900, 1_000, "EUR"),
    ):
        log.bought(user(name), at, total=total, currency=currency)
    log.bought(user("end"), END - BEGIN)
    found = arms(client)
    assert found["treated"].spent == {"EUR": (15.0, 225.0), "USD": (7.0, 49.0)}
    assert found["held_out"].spent == {"EUR": (3.0, 9.0)}
    effects = measure_campaigns(settings, {"spring": SPRING}, now=END)
    spend = effects.campaigns[0].spend
    assert spend["EUR"].value == (15 - 3) / 4
    assert spend["EUR"].low < 0 < spend["EUR"].high
    assert spend["USD"].value == 7 / 4


def test_a_campaign_nobody_was_exposed_to_is_too_early(settings: Settings, client: Client) -> None:
    effects = measure_campaigns(settings, {"spring": SPRING}, now=END)
    assert effects.as_of == 0
    assert effects.campaigns[0].effect.verdict == "too early"
    assert measure_campaigns(settings, {}, now=END).campaigns == ()


def test_the_queries_of_the_documentation_run_and_count_the_same(
    client: Client, inserter: Inserter
) -> None:
    log = Log(inserter)
    for name, arm in (("a", "treated"), ("b", "treated"), ("c", "held_out")):
        log.exposed(name, 1_000, arm, campaign="first-hat")
    log.bought(user("a"), 2_000)
    log.bought(user("b"), 500)
    log.bought(user("end"), END - BEGIN)
    text = (DOCS / "how-to" / "campaigns.md").read_text(encoding="utf-8")
    suppression_reason, conversions = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert [row[1:] for row in client.execute(suppression_reason)] == [("greet", "holdout", 1, 1)]
    first_hat = CompiledCampaign("first-hat", "product/*", "product/", ("purchase",), WEEK, 0.5)
    assert {arm: Arm(*found) for arm, *found in client.execute(conversions)} == {
        arm: counts.arm for arm, counts in arms(client, first_hat).items()
    }


# Simulated


def effects_of(
    client: Client, playbooks: list[CompiledPlaybook], looks: Looks = "one"
) -> list[CampaignEffect]:
    campaigns = [campaign for playbook in playbooks for campaign in playbook.campaigns.values()]
    counts = count_campaigns(client, campaigns, now=END)
    return [campaign_effect(campaign, counts, looks, 0.2) for campaign in campaigns]


def runs(kind: str, customers: int, holdout: float, base: float, uplift: float) -> Iterator[Run]:
    return (
        simulate(f"{kind}-{number}", customers, holdout, base, uplift, seed=number)
        for number in range(100)
    )


@pytest.mark.parametrize(
    ("customers", "holdout"),
    [
        pytest.param(300, 0.5, marks=pytest.mark.destructive),
        pytest.param(2_000, 0.1, marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
    ],
)
def test_a_known_effect_is_within_its_interval_and_a_null_one_is_not_found(
    client: Client, inserter: Inserter, customers: int, holdout: float
) -> None:
    base, uplift = 0.2, 0.15

    def both() -> Iterator[Run]:
        yield from runs("known", customers, holdout, base, uplift)
        yield from runs("null", customers, holdout, base, 0.0)

    playbooks = archive(inserter, both())
    for looks in ("one", "any"):
        found = effects_of(client, playbooks, looks)
        known, null = found[:100], found[100:]
        for effect in found:
            arms = effect.effect
            assert arms.treated.customers + arms.held_out.customers == customers
            assert effect.pending.treated == effect.pending.held_out == 0
        covered = misled = works = 0
        for one in known:
            shown = one.effect.uplift if looks == "one" else one.effect.uplift_any_time
            assert shown is not None
            covered += shown.low <= uplift <= shown.high
            works += one.effect.verdict == "works"
        misled = sum(one.effect.verdict in ("works", "harms") for one in null)
        print(f"{looks=} {covered=} {works=} {misled=}")
        assert covered >= 90
        assert misled <= 8
        assert works >= 60 or looks == "any"
