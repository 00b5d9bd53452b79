"""What one event changed: the customer before and after it, and what the playbook matched."""

from collections.abc import Sequence

import msgspec

from schemas.event import Event
from schemas.profile import Dialogue, Profile
from streams.playbook.matching import Match


class Change(msgspec.Struct, frozen=True, gc=False):
    """One event and the profile on both sides of it."""

    before: Profile
    after: Profile
    event: Event
    matches: Sequence[Match]
    earlier: Sequence[Dialogue | None]
    """The dialogue of each match before the event; None: the event began it."""
    is_purchase: bool

    @property
    def is_new_day(self) -> bool:
        """Whether it is the customer's first event on a new latest day."""
        return self.after.lifecycle.active_day > self.before.lifecycle.active_day
