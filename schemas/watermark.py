"""How far a partition has been folded."""

import msgspec


class Watermark(msgspec.Struct, frozen=True, gc=False):
    """Kept beside the profiles of the partition and written with them in one step."""

    log_id: str
    """Identity of the Kafka topic; a new topic of the same name has another."""
    next_offset: int
    """The first offset that is not folded."""
    in_force: str = ""
    """Which definitions the fold goes by from there on
    (`streams.definitions.definitions.encode_in_force`); empty: those a log begins with."""
