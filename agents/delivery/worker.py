"""The delivery worker: writes triggers into the schedule in Redis, and attempts due deliveries."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
import structlog

from agents.delivery.endpoint_limiter import EndpointLimiter
from agents.delivery.outbox import Outbox
from infra.clock import now_ms
from infra.delivery.circuit import MODES, EndpointState
from infra.delivery.dispatcher import DeliveryDispatcher
from infra.delivery.endpoint_states import EndpointStates
from infra.delivery.outcomes import Outcome, outcome_event
from infra.delivery.records import DEFAULT, Attempt, Delivery, Held, Verdict
from infra.delivery.retry_policy import retry_delay
from infra.delivery.schedule import LEASE_MS, WAITS_MS, DeliverySchedule, Settlement
from infra.dependencies import retry_until_available
from infra.metrics import (
    DELIVERIES,
    DELIVERY_BACKLOG,
    DELIVERY_OVERDUE_SECONDS,
    DELIVERY_SECONDS,
    ENDPOINT_CIRCUIT,
    TRIGGERS_UNREADABLE,
)
from infra.redis.state_store import is_unavailable
from streams.codec.codec import UNREADABLE, decode_trigger, encode_event

LOOK_EVERY_S = 0.2
"""Polling interval of due deliveries in Redis."""

MEASURE_EVERY_S = 2.0
"""Interval at which the backlog is measured and the shared state of endpoints is read."""

MAX_ADMITTED = 200
"""Maximum of records waiting for Redis, and of deliveries per write."""

LAST_ATTEMPTS_S = 5.0
"""Grace period of attempts under way when the worker stops; the others are repeated."""

_OUTCOMES: dict[Verdict, Outcome] = {"delivered": "delivered", "withheld": "withheld"}

T = TypeVar("T")
log = structlog.get_logger()


class DeliveryWorker:
    """Delivers triggers. A trigger's offset is committed once its delivery is written into
    Redis."""

    def __init__(
        self,
        schedule: DeliverySchedule,
        states: EndpointStates,
        dispatcher: DeliveryDispatcher,
        outbox: Outbox,
        delays: tuple[float, ...],
    ) -> None:
        self._schedule = schedule
        self._states = states
        self._dispatcher = dispatcher
        self._outbox = outbox
        self._pauses = delays
        self._limiters: dict[str, EndpointLimiter] = {}
        self._remembered: set[str] = set()
        """Names of endpoints registered in Redis as having deliveries."""
        self.partitions: tuple[int, ...] = ()
        """Partitions whose deliveries are polled."""
        self._incoming: asyncio.Queue[tuple[Any, Delivery]] = asyncio.Queue(MAX_ADMITTED)
        self._answers: asyncio.Queue[tuple[Held, Attempt]] = asyncio.Queue()
        self._attempts: set[asyncio.Task[None]] = set()
        self._free = asyncio.Event()
        self._stopping = False
        self._running: asyncio.Task[None] | None = None
        self._fault: asyncio.Future[None] | None = None

    async def hand_over(self, record: Any) -> None:
        """Queues a record; waits while the queue is full."""
        try:
            trigger = decode_trigger(record.value or b"")
        except UNREADABLE:
            TRIGGERS_UNREADABLE.inc()
            record.ack()
            return
        endpoint = trigger.endpoint or DEFAULT
        nowhere = trigger.endpoint is None and self._dispatcher.endpoints.get(DEFAULT) is None
        if trigger.decision != "fire" or nowhere:
            record.ack()
            return
        delivery = Delivery(endpoint=endpoint, created_at=now_ms(), trigger=trigger)
        await self._incoming.put((record, delivery))

    async def run(self) -> None:
        """Runs until cancelled. Raises unexpected exceptions of attempts."""
        self._running = asyncio.current_task()
        self._fault = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as parts:
            for part in (self._admit, self._settle, self._look, self._measure):
                parts.create_task(part())
            parts.create_task(self._outbox.run(lambda: self.partitions))
            await self._fault

    async def stop(self) -> None:
        """Stops `run`, then waits for attempts under way up to the grace period; unrecorded ones
        are repeated."""
        # A Redis command that is answered at the moment of cancellation swallows it (redis-py on
        # Python 3.11); the flag ends the loop.
        self._stopping = self._outbox.stopping = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=LAST_ATTEMPTS_S)
        for task in self._attempts:
            task.cancel()
        answers = _drained(self._answers)
        if answers:
            await self._write_down(answers)

    async def _admit(self) -> None:
        while not self._stopping:
            batch = [await self._incoming.get(), *_drained(self._incoming)]
            by_partition: dict[int, list[tuple[Any, Delivery]]] = defaultdict(list)
            for record, delivery in batch:
                by_partition[record.message.tp.partition].append((record, delivery))
            for partition, admitted in by_partition.items():
                await self._admit_to(partition, admitted)

    async def _admit_to(self, partition: int, admitted: Sequence[tuple[Any, Delivery]]) -> None:
        await self._remember({delivery.endpoint for _, delivery in admitted})
        now = now_ms()
        until = now + LEASE_MS
        new: list[tuple[Delivery, int]] = []
        for _, delivery in admitted:
            limiter = self._limiter(delivery.endpoint)
            # Redis knows the deliveries under way: a repeated one is not written again.
            if delivery.id not in limiter.under_way and limiter.free(now) > 0:
                limiter.under_way.add(delivery.id)
                new.append((delivery, until))
            else:
                limiter.waiting = True
                new.append((delivery, now))
        known = await _redis(lambda: self._schedule.admit(partition, new))
        for (record, _), (delivery, due), fresh in zip(admitted, new, known, strict=True):
            record.ack()
            if due == until and fresh:
                self._begin(Held(delivery, partition, until))
            elif due == until:
                self._limiter(delivery.endpoint).under_way.discard(delivery.id)

    async def _remember(self, endpoints: set[str]) -> None:
        """Registers endpoints with waiting deliveries, also those no longer in the playbook."""
        unknown = sorted(endpoints - self._remembered)
        if unknown:
            await _redis(lambda: self._states.remember(unknown))
            self._remembered.update(unknown)

    def _begin(self, held: Held) -> None:
        task = asyncio.create_task(self._attempt(held))
        self._attempts.add(task)
        task.add_done_callback(self._attempted)

    def _attempted(self, task: asyncio.Task[None]) -> None:
        self._attempts.discard(task)
        problem = None if task.cancelled() else task.exception()
        if problem is not None and self._fault is not None and not self._fault.done():
            self._fault.set_exception(problem)

    async def _attempt(self, held: Held) -> None:
        delivery, began = held.delivery, time.perf_counter()
        now = now_ms()
        if await self._is_disabled(delivery.endpoint):
            attempt = Attempt("refused", "the endpoint is disabled", blames_endpoint=False)
        elif now - max(delivery.created_at, delivery.last_at) > WAITS_MS:
            attempt = Attempt("refused", "the endpoint was down too long", blames_endpoint=False)
        else:
            attempt = await _redis(lambda: self._dispatcher.attempt(delivery, now))
            DELIVERY_SECONDS.observe(time.perf_counter() - began)
        self._answers.put_nowait((held, attempt))

    async def _is_disabled(self, endpoint: str) -> bool:
        limiter = self._limiter(endpoint)
        if limiter.state.disabled_at:
            # It may have been enabled just now: the stored state is read before giving up.
            limiter.state = (await _redis(lambda: self._states.read([endpoint])))[endpoint]
        return bool(limiter.state.disabled_at)

    async def _settle(self) -> None:
        while not self._stopping:
            await self._write_down([await self._answers.get(), *_drained(self._answers)])

    async def _write_down(self, answers: Sequence[tuple[Held, Attempt]]) -> None:
        now = now_ms()
        changed: dict[str, EndpointState] = {}
        by_partition: dict[int, list[Settlement]] = defaultdict(list)
        for held, attempt in answers:
            limiter = self._limiter(held.delivery.endpoint)
            if limiter.heard(attempt, now):
                changed[limiter.endpoint] = limiter.state
            by_partition[held.partition].append(self._settlement(held, attempt, now))
        for endpoint, state in changed.items():
            await _redis(lambda: self._states.write(endpoint, state))  # noqa: B023 - awaited here
        for partition, settlements in by_partition.items():
            await _redis(lambda: self._schedule.settle(partition, settlements))  # noqa: B023 - awaited here
            if any(one.outcome for one in settlements):
                self._outbox.wake()
        for held, _ in answers:
            limiter = self._limiter(held.delivery.endpoint)
            limiter.under_way.discard(held.delivery.id)
            if limiter.waiting:
                self._free.set()

    def _settlement(self, held: Held, attempt: Attempt, now: int) -> Settlement:
        """The consequence of an answer for its delivery."""
        before = held.delivery
        attempts = before.attempts + 1
        pause: float | None = None
        if attempt.verdict == "again":
            pause = retry_delay(before.id, attempts, attempt.retry_after, self._pauses)
        outcome = _OUTCOMES.get(attempt.verdict, "failed")
        after = msgspec.structs.replace(
            before,
            status="waiting" if pause is not None else outcome,
            attempts=attempts,
            last_at=now,
            detail=attempt.detail,
        )
        DELIVERIES.labels(before.endpoint, attempt.verdict).inc()
        if pause is not None:
            return Settlement(held, after, now + int(pause * 1000))
        if outcome == "failed":
            DELIVERIES.labels(before.endpoint, "failed").inc()
            log.warning(
                "delivery given up", delivery=before.id, attempts=attempts, detail=attempt.detail
            )
        kind = self._dispatcher.endpoints.kind(before.endpoint)
        event = None if attempt.erased else outcome_event(after, outcome, kind, now)
        told = (event.message_id, encode_event(event)) if event is not None else None
        return Settlement(held, after, 0, told)

    async def _look(self) -> None:
        """Leases due deliveries, up to the free places."""
        turn = 0
        while not self._stopping:
            self._free.clear()
            endpoints = [name for name in self._names() if self._limiter(name).waiting]
            for endpoint in endpoints:
                self._limiter(endpoint).waiting = False
            # The first partition gets the free places: round robin.
            turn += 1
            first = turn % max(1, len(self.partitions))
            for partition in (*self.partitions[first:], *self.partitions[:first]):
                await self._look_at(partition, endpoints)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._free.wait()
            except TimeoutError:
                for limiter in self._limiters.values():
                    limiter.waiting = True

    async def _look_at(self, partition: int, endpoints: Sequence[str]) -> None:
        now = now_ms()
        requested = {}
        for endpoint in endpoints:
            limiter = self._limiter(endpoint)
            if limiter.mode(now) == "open":
                requested[endpoint] = (now - WAITS_MS, 1)
            elif limiter.free(now):
                requested[endpoint] = (now, limiter.free(now))
            else:
                limiter.waiting = True
        taken = await _redis(lambda: self._schedule.take(partition, requested, now))
        for endpoint, found in taken.items():
            limiter = self._limiter(endpoint)
            if len(found) == requested[endpoint][1]:
                limiter.waiting = True
            for held in found:
                # An attempt under way here outlived its lease: its result will come.
                if held.delivery.id not in limiter.under_way:
                    limiter.under_way.add(held.delivery.id)
                    self._begin(held)

    def _names(self) -> list[str]:
        return sorted({*self._dispatcher.endpoints.names(), *self._remembered})

    async def _measure(self) -> None:
        while not self._stopping:
            self._remembered.update(await _redis(self._states.remembered))
            names = self._names()
            if names and self.partitions:
                states = await _redis(lambda: self._states.read(names))  # noqa: B023 - awaited here
                for endpoint in names:
                    self._limiter(endpoint).state = states[endpoint]
                    await self._measure_lane(endpoint)
            await asyncio.sleep(MEASURE_EVERY_S)

    async def _measure_lane(self, endpoint: str) -> None:
        backlog = await _redis(lambda: self._schedule.backlog(self.partitions, endpoint))
        now = now_ms()
        overdue = max(0, now - backlog.oldest_due) / 1000 if backlog.oldest_due else 0.0
        DELIVERY_BACKLOG.labels(endpoint).set(backlog.waiting)
        DELIVERY_OVERDUE_SECONDS.labels(endpoint).set(overdue)
        ENDPOINT_CIRCUIT.labels(endpoint).set(MODES.index(self._limiter(endpoint).mode(now)))

    def _limiter(self, endpoint: str) -> EndpointLimiter:
        limiter = self._limiters.get(endpoint)
        if limiter is None:
            limiter = self._limiters[endpoint] = EndpointLimiter(endpoint)
        return limiter


def _drained(queue: "asyncio.Queue[T]") -> list[T]:
    """The contents of the queue, without waiting."""
    found = []
    while not queue.empty():
        found.append(queue.get_nowait())
    return found


async def _redis(attempt: Callable[[], Awaitable[T]]) -> T:
    return await retry_until_available("redis", attempt, is_unavailable)
