"""A Kafka record as the workers see it: what Faust hands over, without Faust's types."""

from typing import Protocol


class Message(Protocol):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int
    timestamp: float
    """Seconds since 1970, as Kafka has it."""


class Record(Protocol):
    """One record; acknowledged once everything it asks for is done."""

    @property
    def value(self) -> bytes | None:
        """The bytes as they were produced."""
        ...

    @property
    def message(self) -> Message:
        """Where it stands."""
        ...

    def ack(self) -> object:
        """Lets the consumer group go on behind this record."""
        ...
