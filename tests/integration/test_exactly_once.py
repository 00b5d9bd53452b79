"""A worker dies at every step of a batch, Redis loses its latest writes or all of them: nothing is
lost, nothing is doubled, and every byte is what the pure fold makes of the log."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from agents.dialogue.fault_injection import STEPS
from infra.redis.keys import watermark_key
from infra.redis.state_store import NO_WATERMARK, FencedError, StateStore
from schemas.event import Event
from schemas.profile import Profile
from schemas.watermark import Watermark
from streams.fold.batch import Batch
from streams.models.increments import increment
from tests.harness.checking import check
from tests.harness.fleet import Fleet, fleet
from tests.harness.traffic import disturbed, shop_traffic

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENTS = 300
VISITORS = 60


class Story:
    """One fleet and everything that was sent to it, test after test."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.sent: list[Event] = []
        self.working = False
        """Whether a worker runs that no fault ends."""

    async def goes_on(self) -> None:
        """New visitors come; their ids tell which chapter they belong to."""
        seed = len(self.sent)
        events = shop_traffic(EVENTS, VISITORS, seed=seed)
        self.sent += events
        await self.fleet.log.append(disturbed(events, seed=seed, copies=0.05, late=0.1))

    async def has_begun(self) -> None:
        """A worker has folded something, also where only some of these tests run."""
        if not self.sent:
            await self.goes_on()
        if not self.working:
            await self.makes_up()
            await check(self.fleet, self.sent)

    async def makes_up(self) -> None:
        """Starts a worker that goes on where the killed ones stopped."""
        self.working = True
        await self.fleet.worker(ready=False)

    async def folded_up_to(self) -> list[int]:
        """The watermarks."""
        partitions = range(self.fleet.settings.partitions)
        held = [self.fleet.redis.hget(watermark_key(p), "next_offset") for p in partitions]
        return [int(offset or 0) for offset in await asyncio.gather(*held)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    async with fleet(tmp_path_factory.mktemp("exactly-once")) as running:
        yield Story(running)


EVERY_DAY = ("triggers appended", "written")
"""The steps at which what is on the log and what is in Redis differ; the others with CI."""


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, marks=() if step in EVERY_DAY else pytest.mark.destructive)
        for step in STEPS
    ],
)
async def test_a_worker_dies_at_a_step(story: Story, step: str) -> None:
    await story.goes_on()
    worker = await story.fleet.worker(fault=f"{step}:2")
    assert await asyncio.wait_for(worker.wait(), 60) == -signal.SIGKILL, worker.part.log_file


async def test_the_next_worker_makes_up_for_all_of_them(story: Story) -> None:
    await story.makes_up()
    checked = await check(story.fleet, story.sent)
    assert checked.trigger_copies > 0, "a worker died between its triggers and its state"
    assert checked.forwarding > 0


@pytest.mark.destructive
async def test_redis_loses_its_latest_writes_and_nothing_more_happens(story: Story) -> None:
    await story.has_begun()
    before = await story.folded_up_to()
    await story.fleet.restart_redis(lose_bytes=50_000)
    after = await story.folded_up_to()
    assert any(now < then for now, then in zip(after, before, strict=True))
    await check(story.fleet, story.sent)
    assert story.fleet.restarts > 0


@pytest.mark.destructive
async def test_redis_loses_its_latest_writes_while_more_happens(story: Story) -> None:
    await story.has_begun()
    await story.fleet.restart_redis(lose_bytes=50_000)
    await story.goes_on()
    await check(story.fleet, story.sent)


@pytest.mark.destructive
async def test_redis_loses_everything(story: Story) -> None:
    await story.has_begun()
    await story.fleet.redis.flushall()
    await check(story.fleet, story.sent)


@pytest.mark.parametrize("order", ["the old worker first", "the new worker first"])
async def test_a_write_under_way_when_another_takes_over(story: Story, order: str) -> None:
    partition = 90 + len(order)
    old, new = (StateStore(story.fleet.redis, 1, 1) for _ in range(2))
    begin, less, more = NO_WATERMARK, Watermark("log", 3), Watermark("log", 5)
    writes = [(old, batch_of("old"), less), (new, batch_of("new"), more)]
    if order == "the new worker first":
        writes.reverse()
    (winner, won, at), (loser, lost, elsewhere) = writes
    try:
        await winner.write(partition, won, begin, at)
        with pytest.raises(FencedError) as fenced:
            await loser.write(partition, lost, begin, elsewhere)
        assert fenced.value.held == at
        # Its answer was lost and it is written again: nothing more happens.
        await winner.write(partition, won, begin, at)
        assert await loser.watermark(partition) == at
        assert (await winner.read(partition, ["visitor"], at)).profiles == won.profiles
        with pytest.raises(FencedError):
            await loser.read(partition, ["visitor"], begin)
        assert (await loser.learned(partition)).transitions.begun == {"product/shoes": 1}
    finally:
        async for key in story.fleet.redis.scan_iter(f"daehwa:[{{]{partition}}}:*"):
            await story.fleet.redis.delete(key)


def batch_of(name: str) -> Batch:
    batch = Batch()
    batch.profiles["visitor"] = Profile("visitor", identities={name: False})
    increment(batch.counted, "begun", "product/shoes", 1)
    return batch
