"""Quiet hours in the time zone of the customer."""

from datetime import UTC, datetime, time, timedelta, tzinfo

from streams.playbook.parts import CompiledQuietHours

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


def is_quiet(minute: int, quiet: CompiledQuietHours) -> bool:
    """Whether a minute of the local day (from midnight) is quiet."""
    if quiet.begin <= quiet.end:
        return quiet.begin <= minute < quiet.end
    return minute >= quiet.begin or minute < quiet.end


def quiet_until(at: int, quiet: CompiledQuietHours, zone: tzinfo) -> int | None:
    """End of the quiet hours around `at`, both in milliseconds; None outside quiet hours. Always
    later than `at`, also across a change of daylight saving time; None past the end of the
    calendar."""
    try:
        local = (_EPOCH + timedelta(milliseconds=at)).astimezone(zone)
        if not is_quiet(local.hour * 60 + local.minute, quiet):
            return None
        after_midnight = local.hour * 60 + local.minute < quiet.end
        day = local.date() if after_midnight else local.date() + timedelta(days=1)
        end = datetime.combine(day, time(quiet.end // 60, quiet.end % 60), tzinfo=zone)
        due = (end.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
        if due <= at:  # the hour that comes twice: `at` is in the second one
            due = (end.replace(fold=1).astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
    except (OverflowError, ValueError):
        return None
    return due if due > at else at + _MINUTE // timedelta(milliseconds=1)


def zone_of(named: object, quiet: CompiledQuietHours) -> tzinfo:
    """The customer's zone: the `named` one if it exists, else the default of the policy."""
    if isinstance(named, str):
        zone = quiet.zones.get(named)
        if zone is not None:
            return zone
    return quiet.zones.get(quiet.zone) or UTC
