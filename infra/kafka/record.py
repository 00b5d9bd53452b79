"""A Kafka record for the workers, independent of Faust's types."""

from typing import Protocol


class Message(Protocol):
    """Position of a record."""

    topic: str
    partition: int
    offset: int
    timestamp: float
    """Seconds since 1970, as Kafka has it."""


class Record(Protocol):
    """One record; acknowledged once all its effects are done."""

    @property
    def value(self) -> bytes | None:
        """The produced bytes."""
        ...

    @property
    def message(self) -> Message:
        """Its position."""
        ...

    def ack(self) -> object:
        """Lets the consumer group commit this record."""
        ...
