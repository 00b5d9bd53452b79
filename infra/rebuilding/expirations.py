"""Expiry of profiles during a rebuild: one that Redis had expired is not brought back."""

import msgspec

from infra.settings import Settings
from schemas.profile import Profile
from streams.profile.expiry import is_passing

_DAY = 86_400_000


class Expirations(msgspec.Struct, frozen=True):
    """How long a profile stays untouched, milliseconds."""

    long: int
    short: int
    """The same for an anonymous visitor without other activity."""

    @property
    def shortest(self) -> int:
        """The shorter of both."""
        return min(self.long, self.short)

    def over(self, profile: Profile, touched: int, at: int) -> bool:
        """Whether a profile last touched at `touched` had expired at `at` (milliseconds)."""
        return at - touched > (self.short if is_passing(profile) else self.long)


def expirations_of(settings: Settings) -> Expirations:
    """Expirations by the settings."""
    return Expirations(settings.profile_days * _DAY, settings.anonymous_days * _DAY)
