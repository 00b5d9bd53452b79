"""Look-up of a customer by telephone number or e-mail address."""

from redis.exceptions import RedisError

from api.customers import redis_unavailable
from api.errors import Refused
from api.parts import Parts
from infra.redis.profile_reader import UnreadableProfileError
from infra.sources.our_numbers import our_numbers
from schemas.contact import Contact
from streams.identity.aliases import Alias, aliases_of, email_alias, phone_alias
from streams.identity.contact_keys import contact_key
from streams.mapping.contact_events import names_nobody


async def profile_named(contact: Contact, parts: Parts) -> str | None:
    """The key of the profile with the contact's phone or e-mail address; None for a contact with an
    id, or with neither. Of several customers with a number, the one that stated it last. An unknown
    number gets a profile of its own (`phone:+8223123456`, `email:…`), so that two calls are of one
    caller. Refused: 400 where neither can be read, 503 while Redis is unavailable.
    """
    if not (contact.phone or contact.email) or not names_nobody(contact):
        return None
    region = parts.settings.region
    aliases = [
        alias
        for alias in (
            phone_alias(contact.phone, region) if contact.phone else None,
            email_alias(contact.email) if contact.email else None,
        )
        if alias is not None and alias.value not in our_numbers(parts.settings)
    ]
    if not aliases:
        raise Refused(
            400,
            "no_identity",
            "the phone or email cannot be read, is withheld, or ours; write +8223123456, or set "
            "DAEHWA_REGION",
        )
    try:
        for alias in aliases:
            key = await _holder(alias, region, parts)
            if key is not None:
                return key
    except (RedisError, OSError):
        raise redis_unavailable() from None
    return contact_key(aliases[0])


async def _holder(alias: Alias, region: str, parts: Parts) -> str | None:
    for key in await parts.aliases.find(alias):
        try:
            profile = await parts.profiles.read(key)
        except UnreadableProfileError:
            # A wrong index entry is rare, and under another key the contact would be lost to the
            # customer.
            return key
        if profile is not None and alias in aliases_of(profile.traits, region):
            return profile.key
    return None
