"""Batches events into envelopes: one Kafka record for the events of a few milliseconds."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from infra.kafka.log_writer import KafkaUnavailable, LogWriter
from streams.codec.codec import encode_envelope
from streams.identity.partitioning import partition_of

MAX_EVENTS = 500
"""Events of one envelope."""
MAX_BYTES = 256 * 1024
"""Bytes of one envelope; a single event may be larger."""
MAX_WAITING = 64 * 1024 * 1024
"""Bytes awaiting Kafka's acknowledgement beyond which events are refused."""


def in_envelopes(events: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Groups events (JSON), in order, into envelopes below Kafka's limit."""
    gathered: list[bytes] = []
    size = 0
    for event in events:
        if gathered and (size + len(event) >= MAX_BYTES or len(gathered) >= MAX_EVENTS):
            yield gathered
            gathered, size = [], 0
        gathered.append(event)
        size += len(event) + 1
    if gathered:
        yield gathered


class _Receipt:
    """The wait of one put(): all envelopes with one of its events."""

    __slots__ = ("acknowledged", "envelopes")

    def __init__(self) -> None:
        self.envelopes = 0
        self.acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self, problem: KafkaUnavailable | None) -> None:
        """One of the envelopes is acknowledged, or lost."""
        self.envelopes -= 1
        if self.acknowledged.done():
            return
        if problem is not None:
            self.acknowledged.set_exception(KafkaUnavailable(str(problem)))
        elif self.envelopes == 0:
            self.acknowledged.set_result(None)


class _Envelope:
    __slots__ = ("events", "receipts", "size")

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.size = 0
        self.receipts: list[_Receipt] = []


class EnvelopeWriter:
    """Puts events onto one Kafka topic, grouped by the partition of their profile."""

    def __init__(
        self,
        writer: LogWriter,
        topic: str,
        partitions: int,
        linger_ms: int,
        most_waiting: int = MAX_WAITING,
    ) -> None:
        self._writer = writer
        self._topic = topic
        self._partitions = partitions
        self._linger_s = linger_ms / 1000
        self._most_waiting = most_waiting
        self._waiting = 0
        self._open: dict[int, _Envelope] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._appending: set[asyncio.Task[None]] = set()

    async def put(self, events: Sequence[tuple[str, bytes]]) -> None:
        """Appends (profile key, event as JSON) pairs and returns when Kafka has acknowledged all.

        Raises `KafkaUnavailable` without an acknowledgement, and at once over the limit of waiting
        bytes: some events may be on the log, so send them again with the same message ids.
        """
        if not events:
            return
        size = sum(len(event) for _, event in events)
        if self._waiting and self._waiting + size > self._most_waiting:
            raise KafkaUnavailable(f"{self._waiting >> 20} MB wait for Kafka already")
        receipt = _Receipt()
        for key, event in events:
            partition = partition_of(key, self._partitions)
            envelope = self._open.get(partition)
            if envelope is not None and (
                envelope.size + len(event) >= MAX_BYTES or len(envelope.events) >= MAX_EVENTS
            ):
                self._send(partition)
                envelope = None
            if envelope is None:
                envelope = self._open[partition] = _Envelope()
            if not envelope.receipts or envelope.receipts[-1] is not receipt:
                envelope.receipts.append(receipt)
                receipt.envelopes += 1
            envelope.events.append(event)
            envelope.size += len(event) + 1
            self._waiting += len(event) + 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._linger_s, self._send_all)
        await receipt.acknowledged

    async def stop(self) -> None:
        """Sends all batched events and returns when Kafka has answered for all."""
        self._send_all()
        if self._appending:
            await asyncio.wait(self._appending)

    def _send_all(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for partition in tuple(self._open):
            self._send(partition)

    def _send(self, partition: int) -> None:
        task = asyncio.create_task(self._append(partition, self._open.pop(partition)))
        self._appending.add(task)
        task.add_done_callback(self._appending.discard)

    async def _append(self, partition: int, envelope: _Envelope) -> None:
        problem: KafkaUnavailable | None = KafkaUnavailable("the API is stopping")
        try:
            await self._writer.append(self._topic, partition, encode_envelope(envelope.events))
            problem = None
        except KafkaUnavailable as unavailable:
            problem = unavailable
        finally:
            self._waiting -= envelope.size
            for receipt in envelope.receipts:
                receipt.settle(problem)
