"""At night customers are left alone, by the clock on their own wall; in the morning it is decided
again."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.codec.codec import encode_profile
from streams.playbook.parts import CompiledQuietHours
from streams.policy.quiet_hours import is_quiet, quiet_until, zone_of
from streams.policy.waiting import MAX_WAITING, QUIET_KIND
from tests.harness.histories import BEGIN, MINUTE, event, law
from tests.harness.simulated_customer import SimulatedCustomer, playbook_of, said

NIGHT = CompiledQuietHours(21 * 60, 8 * 60, "UTC")
NOON = CompiledQuietHours(12 * 60, 14 * 60, "UTC")
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Seoul",
         "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo")  # fmt: skip


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "zone", "quiet", "until"),
    [
        ("2024-01-10T20:59:59", "UTC", NIGHT, None),
        ("2024-01-10T21:00:00", "UTC", NIGHT, "2024-01-11T08:00"),
        ("2024-01-11T00:00:00", "UTC", NIGHT, "2024-01-11T08:00"),
        ("2024-01-11T07:59:59", "UTC", NIGHT, "2024-01-11T08:00"),
        ("2024-01-11T08:00:00", "UTC", NIGHT, None),
        ("2024-01-11T12:30:00", "UTC", NOON, "2024-01-11T14:00"),
        ("2024-01-11T23:00:00", "Asia/Seoul", NIGHT, "2024-01-12T08:00"),
        # the clock is put forward and back in these nights
        ("2024-03-30T22:00:00", "Europe/Paris", NIGHT, "2024-03-31T08:00"),
        ("2024-10-26T22:00:00", "Europe/Paris", NIGHT, "2024-10-27T08:00"),
    ],
)
def test_quiet_hours(moment: str, zone: str, quiet: CompiledQuietHours, until: str | None) -> None:
    expected = None if until is None else at(until, zone)
    assert quiet_until(at(moment, zone), quiet, ZoneInfo(zone)) == expected


def test_the_night_is_an_hour_shorter_when_the_clock_is_put_forward() -> None:
    began = at("2024-03-30T21:00", "Europe/Paris")
    until = quiet_until(began, NIGHT, ZoneInfo("Europe/Paris"))
    assert until is not None
    assert until - began == 10 * 3_600_000


def test_quiet_hours_that_end_in_the_hour_that_comes_twice_or_never() -> None:
    paris = ZoneInfo("Europe/Paris")
    early = CompiledQuietHours(0, 150, "UTC")
    never = quiet_until(at("2024-03-31T01:00", "Europe/Paris"), early, paris)
    assert never == at("2024-03-31T03:30", "Europe/Paris"), "02:30 is not on the clock that day"
    second = datetime(2024, 10, 27, 2, 10, tzinfo=paris, fold=1)
    until = quiet_until(int(second.timestamp() * 1000), early, paris)
    assert until == int(datetime(2024, 10, 27, 2, 30, tzinfo=paris, fold=1).timestamp() * 1000)


@law
@given(st.integers(1, 253_402_300_799_999), st.integers(0, 1439), st.integers(0, 1439),
       st.sampled_from(ZONES))  # fmt: skip
def test_quiet_hours_come_to_an_end(moment: int, begin: int, end: int, name: str) -> None:
    zone = ZoneInfo(name)
    quiet = CompiledQuietHours(begin, end if end != begin else (end + 1) % 1440, "UTC")
    until = quiet_until(moment, quiet, zone)
    try:
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)).astimezone(zone)
    except (OverflowError, ValueError):
        return
    if until is None:
        assert local.year == 9999 or not is_quiet(local.hour * 60 + local.minute, quiet)
        return
    assert moment < until <= moment + 2 * 86_400_000
    for _ in range(3):
        following = quiet_until(until, quiet, zone)
        if following is None:
            return
        assert following > until
        until = following
    raise AssertionError("quiet for ever")


def test_a_customer_who_names_no_zone_that_there_is_has_the_one_of_the_policy() -> None:
    quiet = CompiledQuietHours(0, 1, "Asia/Seoul", {name: ZoneInfo(name) for name in ZONES})
    assert zone_of("Europe/Paris", quiet) == ZoneInfo("Europe/Paris")
    for named in ("Mars/Olympus", None, 5, ""):
        assert zone_of(named, quiet) == ZoneInfo("Asia/Seoul")


NIGHTS = """
policy: {quiet_hours: {begin: "21:00", end: "08:00", zone: Europe/Paris}}
triggers:
  - {name: cart, when: stage.reached, topic: product/*, stages: [cart], then: {channel: call}}
  - {name: staff, when: stage.reached, topic: product/*, stages: [cart]}
  - {name: urgent, when: stage.reached, topic: complaint/*, quiet_hours: ignore,
     then: {channel: call}}
"""
"""The beginning of all histories is 23:13 in Paris; there it is 08:00 after 527 minutes."""

MORNING = BEGIN // 86_400_000 * 86_400_000 + (24 + 7) * 3_600_000


def test_at_night_it_waits_for_the_morning() -> None:
    customer = SimulatedCustomer(playbook_of(NIGHTS))
    night = customer.does("Added", 0)
    assert said(night) == [("cart", "quiet_hours"), ("staff", None)]
    assert customer.deadlines == {QUIET_KIND: MORNING}
    (again,) = customer.lives_until(24 * 60)
    assert (again.rule, again.decision, again.decided_at) == ("cart", "fire", MORNING)
    assert (again.topic, again.occurred_at) == ("product/shoes", BEGIN)
    assert again.id != night[0].id
    assert customer.profile.decisions.waiting == ()
    assert customer.deadlines == {}


def test_what_waits_does_not_grow_with_the_ids_of_events() -> None:
    customer = SimulatedCustomer(playbook_of(NIGHTS))
    for number in range(MAX_WAITING):
        customer.take(
            event(
                f"{number}{'x' * 50_000}", name="Added", user_id="u1",
                properties={"category": f"c{number}"},
            )
        )  # fmt: skip
    assert len(customer.profile.decisions.waiting) == MAX_WAITING
    assert len(encode_profile(customer.profile)) < 10_000
    morning = customer.lives_until(24 * 60)
    assert len({trigger.id for trigger in morning}) == MAX_WAITING


def test_what_ignores_quiet_hours_is_said_at_once() -> None:
    assert said(SimulatedCustomer(playbook_of(NIGHTS)).says("opened", 0)) == [("urgent", None)]


def test_it_is_the_clock_of_the_customer() -> None:
    customer = SimulatedCustomer(playbook_of(NIGHTS))
    customer.states(0, timezone="America/New_York")
    assert said(customer.does("Added", 1)) == [("cart", None), ("staff", None)]


def test_what_is_no_longer_so_in_the_morning_is_not_said() -> None:
    text = NIGHTS + (
        "  - {name: left, when: stage.stalled, topic: product/*, stages: [cart], after: 30m,"
        " then: {channel: letter}}\n"
    )
    customer = SimulatedCustomer(playbook_of(text))
    customer.does("Added", 0, category="hats")
    customer.does("Added", 10)
    customer.lives_until(60)
    customer.does("Bought", 100)
    morning = customer.lives_until(24 * 60)
    assert [(t.rule, t.topic) for t in morning if t.rule == "left"] == [("left", "product/hats")]


def test_the_condition_is_asked_again_in_the_morning() -> None:
    text = NIGHTS.replace("stages: [cart], then", "stages: [cart], if: purchases == 0, then")
    customer = SimulatedCustomer(playbook_of(text))
    customer.does("Added", 0)
    customer.does("Bought", 1)
    assert customer.lives_until(24 * 60) == []


LEAVES = "  - {name: leaves, when: churn.risk, %s, then: {channel: call}}\n"
BY_STAGE = NIGHTS + LEAVES % "topic: product/*, stages: [details]"
BY_VISITS = NIGHTS + LEAVES % "by: visits"
DAY = 24 * 60


def test_a_stage_at_which_people_leave_stays_reached_over_night() -> None:
    customer = SimulatedCustomer(playbook_of(BY_STAGE))
    assert said(customer.does("Viewed", 0)) == [("leaves", "quiet_hours")]
    assert said(customer.lives_until(DAY)) == [("leaves", None)]


def silent_at_midnight() -> tuple[SimulatedCustomer, float]:
    """A customer whose silence, by days of UTC, became too long in the night, and the minute."""
    customer = SimulatedCustomer(playbook_of(BY_VISITS))
    for day in range(8):
        assert customer.does("Viewed", day * DAY) == []
    minute = 0.0
    while not customer.triggers:
        minute = (customer.deadlines["leaves"] - BEGIN) // MINUTE + 1
        customer.lives_until(minute)
    assert said(customer.triggers) == [("leaves", "quiet_hours")]
    return customer, minute


def test_a_silence_that_lasts_until_the_morning_is_said() -> None:
    customer, minute = silent_at_midnight()
    assert said(customer.lives_until(minute + DAY)) == [("leaves", None)]


def test_a_silence_that_ends_in_the_night_is_not_said() -> None:
    customer, minute = silent_at_midnight()
    customer.does("Viewed", minute + 60)
    assert said(customer.lives_until(minute + DAY)) == []


def test_a_fall_in_visits_is_said_in_the_morning() -> None:
    customer = SimulatedCustomer(
        playbook_of(BY_VISITS.replace("by: visits", "by: visits, least_days: 10"))
    )
    for day in [*range(0, 46, 2), 51, 58, 59]:
        customer.does("Viewed", day * DAY)
    night, morning = [one for one in customer.triggers if "active_days_lately" in one.why]
    assert said([night, morning]) == [("leaves", "quiet_hours"), ("leaves", None)]
    assert morning.why["active_days_lately"] == night.why["active_days_lately"]


def test_consent_withdrawn_over_night_holds_in_the_morning() -> None:
    customer = SimulatedCustomer(playbook_of(NIGHTS))
    customer.does("Added", 0)
    customer.states(1, consent=False)
    assert said(customer.lives_until(24 * 60)) == [("cart", "no_consent")]


def test_what_expired_over_night_is_not_said() -> None:
    customer = SimulatedCustomer(
        playbook_of(NIGHTS.replace("[cart], then", "[cart], expires: 1h, then"))
    )
    customer.does("Added", 0)
    assert said(customer.lives_until(24 * 60)) == [("cart", "expired")]


def test_of_a_busy_night_little_waits_and_one_thing_is_said() -> None:
    customer = SimulatedCustomer(playbook_of(NIGHTS))
    for number in range(20):
        customer.does("Added", number, category=f"c{number}")
    assert len(customer.profile.decisions.waiting) == MAX_WAITING
    found = customer.lives_until(24 * 60)
    assert len(found) == MAX_WAITING
    assert [t.decision for t in found].count("fire") == 1
    assert {t.suppressed_by for t in found} == {None, "priority"}


def test_a_timer_that_comes_in_the_next_night_waits_for_the_next_morning() -> None:
    from streams.fold.timers import timer_event

    customer = SimulatedCustomer(playbook_of(NIGHTS))
    customer.does("Added", 0)
    due = customer.deadlines[QUIET_KIND]
    late = timer_event("u1", QUIET_KIND, due, due + 15 * 60 * MINUTE)
    assert said(customer.take(late)) == [("cart", "quiet_hours")]
    assert customer.deadlines == {QUIET_KIND: MORNING + 86_400_000}
    assert said(customer.lives_until(72 * 60)) == [("cart", None)]
