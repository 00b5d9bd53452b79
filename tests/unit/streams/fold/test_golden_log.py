"""A log folded by version 0.1.0: the same events give the same bytes and the same triggers now.

The playbook of the log has every trigger type and every policy, so a change of behaviour that no
other test states is seen here. A change that is meant gets a new file beside the old one; the
profiles of the old one stay, because Redis holds such bytes.
"""

import gzip
import json
from base64 import b64decode
from collections import deque
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any

import msgspec

from infra.playbook.playbook_file import parse_playbook
from schemas.event import Event
from schemas.models import ChurnModels
from schemas.profile import Profile
from streams.codec.codec import decode_profile, encode_profile, encode_trigger
from streams.fold.batch import fold_batch
from streams.fold.timers import timer_event
from streams.identity.profile_key import profile_key
from streams.models.learned import Learned
from streams.triggers.registry import KINDS
from tests.harness.paths import FIXTURES

DAYS_AFTER = 60
"""Days after the last event in which deadlines still come due."""


@lru_cache(maxsize=1)
def golden() -> dict[str, Any]:
    """`playbook`, `events`, `profiles` (base64 by key), `triggers`, `learned`, as 0.1.0 wrote."""
    with gzip.open(FIXTURES / "golden" / "fold-0.1.0.json.gz") as file:
        found: dict[str, Any] = json.load(file)
    return found


class Log:
    """One partition in memory: messages between profiles arrive at once, deadlines come due."""

    def __init__(self) -> None:
        self.playbook = parse_playbook(golden()["playbook"], "golden.yaml")
        self.profiles: dict[str, Profile] = {}
        self.learned = Learned()
        self.triggers: list[str] = []
        self._due: dict[tuple[str, str], int] = {}
        self._heap: list[tuple[int, str, str]] = []

    def receive(self, event: Event) -> None:
        """Folds the event and everything that profiles send each other because of it."""
        queue = deque([event])
        while queue:
            one = queue.popleft()
            key = profile_key(one)
            assert key is not None
            batch = fold_batch(
                [(key, one)], self.profiles, self.learned, self.playbook, ChurnModels()
            )
            assert not batch.dead
            self.profiles.update(batch.profiles)
            queue.extend(batch.sends)
            self.triggers += [encode_trigger(trigger).decode() for trigger in batch.triggers]
            for (kind, owner), at in batch.deadlines.items():
                if at is None:
                    self._due.pop((kind, owner), None)
                else:
                    self._due[kind, owner] = at
                    heappush(self._heap, (at, kind, owner))

    def pass_until(self, now: int) -> None:
        """Lets the deadlines up to `now` (milliseconds) come due."""
        while self._heap and self._heap[0][0] <= now:
            at, kind, key = heappop(self._heap)
            if self._due.get((kind, key)) == at:
                del self._due[kind, key]
                self.receive(timer_event(key, kind, at, at))


def test_the_log_of_0_1_0_gives_the_same_profiles_and_triggers() -> None:
    log = Log()
    events = [msgspec.json.decode(text, type=Event) for text in golden()["events"]]
    for event in events:
        log.pass_until(event.received_at)
        log.receive(event)
    log.pass_until(events[-1].received_at + DAYS_AFTER * 86_400_000)

    assert log.triggers == golden()["triggers"]
    stored = {key: b64decode(text) for key, text in golden()["profiles"].items()}
    assert {key: encode_profile(one) for key, one in log.profiles.items()} == stored
    assert log.learned.everything() == golden()["learned"]


def test_a_profile_written_by_0_1_0_is_written_again_byte_for_byte() -> None:
    for text in golden()["profiles"].values():
        stored = b64decode(text)
        assert encode_profile(decode_profile(stored)) == stored


def test_the_log_has_every_trigger_type_of_a_playbook() -> None:
    fired = {json.loads(text)["type"] for text in golden()["triggers"]}
    assert fired == {name for name, kind in KINDS.items() if kind.in_playbook}
