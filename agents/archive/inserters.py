"""The connections of an archive worker. Events have two lanes of partitions with a connection
each: the rows of one lane are made and sent while ClickHouse stores those of the other. Within
a partition the order of the log holds."""

from collections.abc import Collection
from typing import Final

from infra.clickhouse.inserter import Inserter
from infra.clickhouse.retrying_inserter import Outage, RetryingInserter
from infra.clickhouse.stored_keys import StoredKeys
from infra.kafka.names import EVENTS
from infra.settings import Settings

EVENT_LANES: Final = 2


class ArchiveInserters:
    """They share what is known of stored rows, and say once that ClickHouse is unavailable."""

    def __init__(self, settings: Settings) -> None:
        self._partitions = settings.partitions
        self._keys = StoredKeys(settings.archive_filter_mb << 20)
        outage = Outage()
        self._inserters = [Inserter(settings, keys=self._keys) for _ in range(1 + EVENT_LANES)]
        self._patient = [RetryingInserter(one, outage=outage) for one in self._inserters]

    @property
    def first(self) -> RetryingInserter:
        """For what is no event."""
        return self._patient[0]

    def of(self, topic: str) -> list[RetryingInserter]:
        """The inserters of a Kafka topic; a partition belongs to the one at its number modulo
        their count."""
        return self._patient[1:] if topic == EVENTS else [self.first]

    async def take_over(self, log_id: str, partitions: Collection[int]) -> None:
        """The worker owns these partitions of the events from now on, each lane its own; what is
        stored is looked at anew."""
        self._keys.forget()
        for lane, inserter in enumerate(self._patient[1:]):
            owned = [partition for partition in partitions if partition % EVENT_LANES == lane]
            await inserter.take_over(log_id, owned, self._partitions)

    def close(self) -> None:
        """Closes the connections."""
        for inserter in self._inserters:
            inserter.close()
