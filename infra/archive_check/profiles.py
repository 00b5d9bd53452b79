"""The counters of profiles in Redis against the events in ClickHouse, of a sample of customers."""

from typing import Final

from redis.asyncio import Redis

from infra.archive_check.finding import Finding
from infra.privacy.archived_rows import Ask
from infra.redis.profile_reader import ProfileReader, UnreadableProfileError

SAMPLE: Final = 500
EXAMPLES: Final = 10

_COUNTS: Final = """
SELECT ifNull(nullIf(identities.customer_id, ''), happened.profile_key) AS customer_id,
    count() AS events
FROM daehwa.events_stored AS happened
LEFT JOIN daehwa.identities AS identities ON identities.visitor_id = happened.profile_key
WHERE copy = 0 AND type NOT IN ('timer', 'link', 'merge', 'adopt', 'erase')
    AND happened.profile_key != ''
GROUP BY customer_id
HAVING max(happened.received_at) < now64(3, 'UTC') - INTERVAL 10 SECOND
ORDER BY cityHash64(customer_id, %(seed)s)
LIMIT %(sample)s
"""


async def check_profiles(ask: Ask, redis: Redis, partitions: int, seed: int) -> Finding:
    """Compares how many events each profile counts with how many are stored. Left out are customers
    of the last ten seconds, profiles that have expired, and those whose events were so many that
    they were folded in summary. A customer without any stored event is found by the check of the
    log, not here. Raises RedisError, and as `Ask` does."""
    reader = ProfileReader(redis, partitions)
    compared, wrong = 0, []
    for customer, events in ask(_COUNTS, {"seed": seed, "sample": SAMPLE}):
        try:
            profile = await reader.read(customer)
        except UnreadableProfileError as problem:
            wrong.append(str(problem))
            continue
        if profile is None or profile.hot is not None or profile.erased_at:
            continue
        compared += 1
        if profile.lifecycle.events != events:
            wrong.append(f"{customer}: {profile.lifecycle.events} counted, {events} stored")
    if not wrong:
        found = f"{compared} customers have as many events stored as counted"
        return Finding(check="profiles", ok=True, found=found)
    return Finding(
        check="profiles",
        ok=False,
        found=f"{len(wrong)} of {compared} customers differ",
        examples=tuple(wrong[:EXAMPLES]),
        remedy="`daehwa rebuild --dry-run` compares all of them and says what differs",
    )
