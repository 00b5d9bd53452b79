"""The watermark of a partition: how far it has been folded."""

import msgspec


class Watermark(msgspec.Struct, frozen=True, gc=False):
    """Stored beside the profiles of the partition and written atomically with them."""

    log_id: str
    """Identity of the Kafka topic; a new topic of the same name has another."""
    next_offset: int
    """The first offset that is not folded."""
    in_force: str = ""
    """The definitions in force from there on
    (`streams.definitions.definitions.encode_in_force`); empty: those a log begins with."""
