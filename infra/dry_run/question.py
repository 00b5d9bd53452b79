"""What a dry run is asked and what it answers."""

import msgspec

from schemas.models import ChurnModels
from streams.definitions.dry_run import Tally

MAX_EVENTS = 100_000
"""Events of one dry run at most: what bounds its memory and its time."""

USUAL_EVENTS = 20_000


class Question(msgspec.Struct, frozen=True):
    """Two playbooks (YAML, both in order) and how far to look back."""

    current: str
    new: str
    events: int = USUAL_EVENTS
    since: int = 0
    """Milliseconds since 1970; nothing received before is looked at."""
    models: ChurnModels = ChurnModels()


class Progress(msgspec.Struct, frozen=True):
    """Events folded so far, and all there are."""

    done: int
    total: int


class Answer(msgspec.Struct, frozen=True):
    """What both playbooks would have decided on the same events, from empty profiles on."""

    events: int
    first_at: int
    """When the first was received, milliseconds since 1970; 0 where there is none."""
    last_at: int
    current: Tally
    new: Tally


class Result(msgspec.Struct, frozen=True):
    """The last line of one that went well."""

    result: Answer


class Problem(msgspec.Struct, frozen=True):
    """The last line of one that did not."""

    problem: str
