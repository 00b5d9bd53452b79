"""How small dialogue state is, compared with the clickstream it came from."""

import statistics
from collections.abc import Iterator

from bench.figure import Figure
from bench.traffic import envelopes, shop_events
from infra.clock import now_ms
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK
from schemas.models import ChurnModels
from schemas.profile import Profile
from streams.codec.codec import decode_envelope, encode_profile
from streams.fold.batch import fold_batch
from streams.identity.profile_key import profile_key
from streams.models.learned import Learned

EVENTS_COUNT = 200_000
CUSTOMERS = 10_000


def measure() -> Iterator[Figure]:
    """state.bytes_per_customer (mean of the encoded profiles) and state.vs_raw_bytes."""
    sizes, raw = _sizes()
    about = {
        "customers": len(sizes),
        "events": EVENTS_COUNT,
        "raw_bytes_per_event": round(raw / EVENTS_COUNT),
    }
    yield Figure("state.bytes_per_customer", round(statistics.mean(sizes)), "bytes", about)
    yield Figure("state.vs_raw_bytes", round(sum(sizes) / raw, 4), "ratio", about)


def measure_profiles() -> Iterator[Figure]:
    """profile.bytes.p50 and .p99, of customers with some twenty events each."""
    sizes, _ = _sizes()
    about = {"customers": len(sizes), "events": EVENTS_COUNT}
    for percent in (50, 99):
        value = sizes[len(sizes) * percent // 100]
        yield Figure(f"profile.bytes.p{percent}", value, "bytes", about)


def _sizes() -> tuple[list[int], int]:
    """The sizes of the encoded profiles, smallest first, and of the events they came from."""
    playbook = read_playbook(SHIPPED_PLAYBOOK)
    profiles: dict[str, Profile] = {}
    learned = Learned()
    raw = 0
    events = shop_events(EVENTS_COUNT, CUSTOMERS, seed=7, start=now_ms())
    for _, _, value in envelopes(events, 1, 100):
        raw += len(value)
        found, _ = decode_envelope(value)
        keyed = [(profile_key(event) or "", event) for event in found]
        profiles.update(fold_batch(keyed, profiles, learned, playbook, ChurnModels()).profiles)
    return sorted(len(encode_profile(profile)) for profile in profiles.values()), raw
