"""Whatever happens in whatever order: caps hold, nights are quiet, the held out are left alone."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from schemas.decisions import NO_DECISIONS, Decisions, Sent
from schemas.event import Event
from schemas.trigger import Trigger
from streams.codec.codec import encode_profile
from streams.fold.merging import merge_profiles
from streams.fold.timers import timer_event
from streams.policy.caps import MAX_SPOKEN
from streams.policy.holdouts import is_held_out
from streams.policy.memory import merge_decisions
from streams.policy.suppression import quiet_end
from streams.policy.waiting import MAX_WAITING
from tests.harness.histories import BEGIN, MINUTE, event, law
from tests.harness.simulated_customer import SimulatedCustomer, playbook_of

HOUR = 60 * MINUTE
DAY = 24 * HOUR

TEXT = """
segments:
  buyers: {if: purchases >= 2}
  looking: {if: 'purchases == 0 && days_known >= 1'}
relationship: {blocked: 'has(traits.thief) && traits.thief', dormant: 2d}
policy:
  caps: {email: {at_most: 3, per: 2d}, all: {at_most: 4, per: 3d}}
  quiet_hours: {begin: "21:00", end: "08:00", zone: Europe/Paris}
  holdout: 0.2
campaigns: {carts: {conversion: product/*, stages: [purchase], within: 7d, holdout: 0.4}}
triggers:
  - {name: cart, when: stage.reached, topic: product/*, stages: [cart], campaign: carts,
     cap: {at_most: 2, per: 1d}, priority: 3, then: {channel: email}}
  - {name: seen, when: stage.reached, topic: product/*, stages: [details], expires: 6h,
     then: {channel: email}}
  - {name: left, when: stage.stalled, topic: product/*, stages: [cart], after: 3h,
     then: {channel: sms}}
  - {name: late, when: complaint.overdue, topic: complaint/*, after: 8h, then: {channel: call}}
  - {name: silent, when: silence, after: 2d, then: {channel: email}}
  - {name: buyer, when: segment.entered, segment: buyers, then: {channel: email}, priority: 3}
  - {name: staff, when: lifecycle.changed}
  - {name: bought, when: stage.reached, topic: product/*, stages: [purchase],
     quiet_hours: ignore, then: {channel: sms}}
"""
QUIET_RULES = {"cart", "seen", "left", "late", "silent", "buyer"}
KEYS = ("u1", "u2", "u3", "customer-7", "customer-11")


def drawn(code: bytes) -> list[Event]:
    """Four bytes an event: what, when, how late, about what."""
    history = []
    for at in range(0, len(code) - 3, 4):
        what, hour, late, about = code[at : at + 4]
        moment = BEGIN + hour * HOUR + late % 7 * 9 * MINUTE
        kind, name, properties = "track", "Viewed", {"category": f"c{about % 6}"}
        if what % 8 == 0:
            kind, name, properties = "identify", None, {"consent": about % 4 != 0}  # type: ignore[assignment, dict-item]
        elif what % 8 == 1:
            kind, name = "contact", ("opened", "resolved")[about % 2]
            properties = {"about": f"c{about % 3}"}
        elif what == 250:
            kind, name, properties = "identify", None, {"thief": about % 2 == 0}  # type: ignore[assignment, dict-item]
        elif what % 8 == 2:
            kind, name = "identify", None  # type: ignore[assignment]
            properties = {"timezone": ("Asia/Seoul", "America/New_York", "?")[about % 3]}
        else:
            name = ("Viewed", "Added", "Added", "Bought")[about // 8 % 4]
        history.append(
            event(
                f"m{at}",
                kind,
                name=name,
                user_id="u1",
                occurred_at=moment,
                received_at=moment + (late % 3) * 5 * HOUR,
                properties=properties,
            )
        )
    return history


histories = st.binary(min_size=24, max_size=4 * 40).map(drawn)


def customer_after(history: list[Event], key: str = "u1") -> SimulatedCustomer:
    """The customer after the events in this order, each timer at its time of receipt or late."""
    customer = SimulatedCustomer(playbook_of(TEXT), key)
    customer.take(event("consent", "identify", user_id=key, properties={"consent": True}))
    for happened in history:
        for _ in range(40):
            due = min(((at, kind) for kind, at in customer.deadlines.items()), default=None)
            if due is None or due[0] > happened.received_at:
                break
            late = happened.received_at if happened.received_at % 2 else due[0]
            customer.take(timer_event(key, due[1], due[0], max(late, due[0])))
        customer.take(happened)
    customer.lives_until(30 * 24 * 60)
    return customer


def would_reach(trigger: Trigger) -> bool:
    return trigger.decision == "fire" or trigger.arm == "held_out"


def most_within(times: list[int], per: int) -> int:
    """The most of the times in any stretch `[t, t + per)`."""
    times = sorted(times)
    return max((sum(t <= other < t + per for other in times) for t in times), default=0)


@law
@given(histories, st.sampled_from(KEYS))
def test_policy_holds_whatever_happens(history: list[Event], key: str) -> None:
    customer = customer_after(history, key)
    triggers = customer.triggers
    assert len({t.id for t in triggers}) == len(triggers)
    spoken = [t for t in triggers if would_reach(t) and t.channel is not None]
    by_rule: dict[str, list[int]] = defaultdict(list)
    for trigger in spoken:
        by_rule[trigger.rule].append(trigger.decided_at)
    assert most_within(by_rule["cart"], DAY) <= 2
    mails = [t.decided_at for t in spoken if t.channel == "email"]
    assert most_within(mails, 2 * DAY) <= 3
    assert most_within([t.decided_at for t in spoken], 3 * DAY) <= 4
    out = is_held_out(key, 0.2)
    for trigger in triggers:
        fired = trigger.decision == "fire"
        assert fired is (trigger.suppressed_by is None)
        if trigger.channel is None:
            assert trigger.arm is None
            continue
        held = out or (trigger.campaign == "carts" and is_held_out(key, 0.4, "carts"))
        assert not (fired and held), "who is held out is never spoken to"
        assert (trigger.arm == "held_out") is (trigger.suppressed_by == "holdout")
        assert (trigger.arm == "treated") is fired


@law
@given(histories)
def test_nothing_is_said_in_quiet_hours(history: list[Event]) -> None:
    playbook = playbook_of(TEXT)
    customer = SimulatedCustomer(playbook)
    customer.take(event("consent", "identify", user_id="u1", properties={"consent": True}))
    for happened in sorted(history, key=lambda e: e.received_at):
        while customer.deadlines and min(customer.deadlines.values()) <= happened.received_at:
            at, kind = min((at, kind) for kind, at in customer.deadlines.items())
            _nothing_at_night(customer, timer_event("u1", kind, at, at))
        _nothing_at_night(customer, happened)


def _nothing_at_night(customer: SimulatedCustomer, happened: Event) -> None:
    for trigger in customer.take(happened):
        if trigger.rule in QUIET_RULES and would_reach(trigger):
            assert quiet_end(customer.profile, trigger.decided_at, customer.playbook) is None


@law
@given(histories)
def test_one_event_says_one_thing_on_a_channel(history: list[Event]) -> None:
    customer = SimulatedCustomer(playbook_of(TEXT))
    customer.take(event("consent", "identify", user_id="u1", properties={"consent": True}))
    for happened in history:
        found = customer.take(happened)
        for channel in ("email", "sms", "call"):
            said = [t for t in found if t.channel == channel and would_reach(t)]
            assert len(said) <= 1
            beaten = [t for t in found if t.channel == channel and t.suppressed_by == "priority"]
            assert all(t.priority <= said[0].priority for t in beaten)


@law
@given(histories, st.integers(0, 40))
def test_a_replay_from_any_point_decides_the_same(history: list[Event], cut: int) -> None:
    from streams.codec.codec import decode_profile

    whole = customer_after(history)
    assert customer_after(history).triggers == whole.triggers
    resumed = SimulatedCustomer(playbook_of(TEXT))
    resumed.take(event("consent", "identify", user_id="u1", properties={"consent": True}))
    one = SimulatedCustomer(playbook_of(TEXT))
    one.take(event("consent", "identify", user_id="u1", properties={"consent": True}))
    for at, happened in enumerate(history):
        if at == cut:
            resumed.profile = decode_profile(encode_profile(resumed.profile))
        assert resumed.take(happened) == one.take(happened)
    assert encode_profile(resumed.profile) == encode_profile(one.profile)


@law
@given(histories, histories)
def test_the_memory_stays_small_and_survives_a_merge(one: list[Event], other: list[Event]) -> None:
    first, second = customer_after(one), customer_after(other, "u2")
    merged = merge_profiles(first.profile, second.profile).decisions
    for decisions in (first.profile.decisions, merged):
        assert len(decisions.waiting) <= MAX_WAITING
        assert set(decisions.spoken) <= {"email", "all", "rule|cart"}
        assert set(decisions.cases) <= {f"complaint/c{n}" for n in range(3)}
    assert all(len(times) <= 4 for times in first.profile.decisions.spoken.values())
    for name, times in merged.spoken.items():
        both = (
            *first.profile.decisions.spoken.get(name, ()),
            *second.profile.decisions.spoken.get(name, ()),
        )
        assert times == tuple(sorted(both))[-MAX_SPOKEN:]
    assert set(merged.segments) == {
        *first.profile.decisions.segments,
        *second.profile.decisions.segments,
    }


def test_decisions_of_one_millisecond_stay_in_their_order_through_a_merge() -> None:
    def sent(*ids: str) -> Decisions:
        return Decisions(sent=tuple(Sent(one, "stage.reached", "r", 5, True, "") for one in ids))

    merged = merge_decisions(sent("z", "b", "a"), NO_DECISIONS, ())
    assert [one.id for one in merged.sent] == ["z", "b", "a"]
    both = merge_decisions(sent("z", "a"), sent("q"), ())
    assert [one.id for one in both.sent] == ["q", "z", "a"]
