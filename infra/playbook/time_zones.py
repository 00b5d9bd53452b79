"""The time zone database, read once, for the pure fold."""

from collections.abc import Mapping
from datetime import tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from msgspec.structs import replace

from streams.playbook.compiled import CompiledPlaybook


@cache
def time_zones() -> Mapping[str, tzinfo]:
    """IANA name -> its rules, of every zone of this machine."""
    found: dict[str, tzinfo] = {}
    for name in sorted(available_timezones()):
        try:
            found[name] = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue  # a damaged file of a zone that may never be used
    return found


def with_time_zones(playbook: CompiledPlaybook) -> CompiledPlaybook:
    """The playbook with the zones in its quiet hours; unchanged without quiet hours."""
    quiet = playbook.policy.quiet
    if quiet is None:
        return playbook
    quiet = replace(quiet, zones=time_zones())
    return replace(playbook, policy=replace(playbook.policy, quiet=quiet))
