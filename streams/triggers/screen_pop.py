"""`screen.pop`: a telephone rings. The API decides it, while it rings: see decision 21."""

from typing import Any

from streams.triggers.kind import TriggerKind

FOR_THE_SCREEN = ("customer", "others")
"""What of `why` is for the screen and not for the archive: it is made of events that are archived
already, and whoever erases one customer must not have to look into another's triggers."""


def _archived(why: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in why.items() if name not in FOR_THE_SCREEN}


SCREEN_POP = TriggerKind(
    name="screen.pop", label="on the phone", in_playbook=False, archived=_archived
)
