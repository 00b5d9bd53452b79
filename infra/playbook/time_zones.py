"""The time zone database, read once, for the fold that may read nothing."""

from collections.abc import Mapping
from datetime import tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from msgspec.structs import replace

from streams.playbook.compiled import CompiledPlaybook


@cache
def time_zones() -> Mapping[str, tzinfo]:
    """IANA name -> its rules, of every zone this machine knows."""
    found: dict[str, tzinfo] = {}
    for name in sorted(available_timezones()):
        try:
            found[name] = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue  # a damaged file of a zone that nobody may ask for
    return found


def with_time_zones(playbook: CompiledPlaybook) -> CompiledPlaybook:
    """The playbook whose quiet hours know the zones; the same one where it has no quiet hours."""
    quiet = playbook.policy.quiet
    if quiet is None:
        return playbook
    quiet = replace(quiet, zones=time_zones())
    return replace(playbook, policy=replace(playbook.policy, quiet=quiet))
