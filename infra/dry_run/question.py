"""Request and answers of a dry run."""

import msgspec

from schemas.models import ChurnModels
from streams.definitions.dry_run import Tally

MAX_EVENTS = 100_000
"""Maximum of events of one dry run: bounds memory and time."""

USUAL_EVENTS = 20_000


class Question(msgspec.Struct, frozen=True):
    """Two valid playbooks (YAML) and the period."""

    current: str
    new: str
    events: int = USUAL_EVENTS
    since: int = 0
    """Milliseconds since 1970; events received earlier are skipped."""
    models: ChurnModels = ChurnModels()


class Progress(msgspec.Struct, frozen=True):
    """Events folded so far, and all there are."""

    done: int
    total: int


class Answer(msgspec.Struct, frozen=True):
    """Decisions of both playbooks on the same events, from empty profiles."""

    events: int
    first_at: int
    """When the first was received, milliseconds since 1970; 0 where there is none."""
    last_at: int
    current: Tally
    new: Tally


class Result(msgspec.Struct, frozen=True):
    """The last line of a success."""

    result: Answer


class Problem(msgspec.Struct, frozen=True):
    """The last line of a failure."""

    problem: str
