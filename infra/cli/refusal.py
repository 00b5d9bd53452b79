"""Refusals of the command line."""

from infra.settings import Settings, SettingsError


class Refusal(Exception):  # noqa: N818 - it is not a fault of the program
    """One sentence for the person, exit code 2."""


def settings_or_refusal() -> Settings:
    """The settings of the environment."""
    try:
        return Settings.from_environment()
    except SettingsError as problem:
        raise Refusal(str(problem)) from None
