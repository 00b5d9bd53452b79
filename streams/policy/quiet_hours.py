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
    """When the quiet hours that `at` falls into end, both in milliseconds; None where it falls into
    none. Always later than `at`, also when the clock is put forward or back in between; past the
    calendar's end nothing is quiet."""
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
    """The customer's zone: the one they `named` if there is such a one, else the policy's."""
    if isinstance(named, str):
        zone = quiet.zones.get(named)
        if zone is not None:
            return zone
    return quiet.zones.get(quiet.zone) or UTC
