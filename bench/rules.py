"""What rules and segments cost: the fold in memory with them over that without."""

import statistics
import time
from collections.abc import Iterator

from bench.figure import Figure
from bench.traffic import CATEGORIES, envelopes, shop_events
from infra.clock import now_ms
from infra.playbook.playbook_file import parse_playbook
from infra.settings import SHIPPED_PLAYBOOK
from schemas.event import Event
from schemas.models import ChurnModels
from schemas.profile import Profile
from streams.codec.codec import decode_envelope
from streams.fold.batch import fold_batch
from streams.identity.profile_key import profile_key
from streams.models.learned import Learned
from streams.playbook.compiled import CompiledPlaybook

EVENTS_COUNT = 20_000
CUSTOMERS = 5_000
ENVELOPE = 100
ROUNDS = 5

_STAGES = ("introduction", "details", "cart", "checkout", "purchase")
_CONDITIONS = (
    "purchases >= 2 && spend > 100.0",
    "average_order > 50.0",
    'furthest[topic] == "cart"',
    "known",
    'channels.exists(name, name != "web")',
)
_SEGMENTS = """
segments:
  loyal: {if: purchases >= 3 && open_complaints == 0}
  big-spender: {if: spend > 500.0}
  recommends: {if: referrals >= 1}
  hesitating: {if: 'purchases == 0 && topics.exists(name, furthest[name] == "checkout")'}
  advocates: {if: 'relationship == "advocate"'}
relationship:
  advocate: referrals >= 1
  dormant: 180d
  blocked: has(traits.blocked) && traits.blocked == true
"""


def measure() -> Iterator[Figure]:
    """rules.hundred_vs_ten, rules.segments."""
    batches = [
        [(profile_key(event) or "", event) for event in decode_envelope(value)[0]]
        for _, _, value in envelopes(
            shop_events(EVENTS_COUNT, CUSTOMERS, seed=1, start=now_ms()), 1, ENVELOPE
        )
    ]
    yield _compared("rules.hundred_vs_ten", batches, hundred=_with_rules(100), ten=_with_rules(10))
    text = SHIPPED_PLAYBOOK.read_text(encoding="utf-8")
    head, _, triggers = text.partition("\ntriggers:\n")
    five = parse_playbook(f"{head}{_SEGMENTS}triggers:\n{triggers}", "five segments")
    yield _compared("rules.segments", batches, segments=five, none=parse_playbook(text, "none"))


def _compared(
    name: str, batches: list[list[tuple[str, Event]]], **playbooks: CompiledPlaybook
) -> Figure:
    """The throughput with the first of two playbooks over that with the second."""
    rates: dict[str, list[float]] = {which: [] for which in playbooks}
    for _ in range(ROUNDS):  # in turns: whatever else the machine does, it does to each
        for which, playbook in playbooks.items():
            rates[which].append(_throughput(batches, playbook))
    median = {which: statistics.median(found) for which, found in rates.items()}
    about = {f"{which}_events_per_s": round(rate) for which, rate in median.items()}
    one, other = median.values()
    return Figure(
        name, round(one / other, 3), "ratio", {"events": EVENTS_COUNT, "rounds": ROUNDS, **about}
    )


def _throughput(batches: list[list[tuple[str, Event]]], playbook: CompiledPlaybook) -> float:
    profiles: dict[str, Profile] = {}
    learned = Learned()
    started = time.process_time()  # nothing here waits for anything
    for events in batches:
        profiles.update(fold_batch(events, profiles, learned, playbook, ChurnModels()).profiles)
    return EVENTS_COUNT / (time.process_time() - started)


def _with_rules(count: int) -> CompiledPlaybook:
    """The playbook that ships with `count` more triggers: as a shop writes them, one for each
    category and stage that somebody looks after, every one with a condition."""
    text = SHIPPED_PLAYBOOK.read_text(encoding="utf-8")
    head, _, triggers = text.partition("\ntriggers:\n")
    rules = []
    for index in range(count):
        stage = _STAGES[index // len(CATEGORIES) % len(_STAGES)]
        rules.append(
            f"  - name: rule-{index}\n    when: stage.reached\n"
            f"    topic: product/{CATEGORIES[index % len(CATEGORIES)]}\n    stages: [{stage}]\n"
            f"    if: '{_CONDITIONS[index % len(_CONDITIONS)]}'\n"
        )
    return parse_playbook(f"{head}\ntriggers:\n{''.join(rules)}{triggers}", f"{count} rules")
