"""Expiry class of a profile: anonymous visitors expire sooner."""

from schemas.profile import Profile


def is_passing(profile: Profile) -> bool:
    """Whether this is an anonymous visitor of whom nothing needs to be kept for long.

    Not passing: a customer; who bought, stated consent, has other visits merged in or a deadline
    pending; a forwarding address, because the browser that holds the old id may come back for
    as long as the customer stays; and what was erased, lest a late event revive it.
    """
    return not (
        profile.known
        or profile.forwarded_to is not None
        or profile.erased_at
        or profile.identities
        or profile.consent
        or profile.decisions.deadlines
        or profile.lifecycle.purchases
    )
