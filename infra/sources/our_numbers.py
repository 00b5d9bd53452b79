"""Our own telephone numbers: none of them is ever a customer."""

from infra.settings import Settings
from streams.identity.aliases import phone_alias


def our_numbers(settings: Settings) -> frozenset[str]:
    """`DAEHWA_OUR_NUMBERS` in E.164; one that cannot be read is left out."""
    found = (phone_alias(number, settings.region) for number in settings.our_numbers)
    return frozenset(alias.value for alias in found if alias is not None)
