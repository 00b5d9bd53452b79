"""An exception and where it was raised, short enough for a dead letter."""

from traceback import extract_tb

MAX_FRAMES = 12
"""Number of innermost frames kept."""

MAX_LENGTH = 2_000
"""Characters."""


def short_traceback(problem: BaseException) -> str:
    """The exception, then a line for each frame, innermost first: `streams/fold/fold.py:55
    fold`."""
    frames = extract_tb(problem.__traceback__)[-MAX_FRAMES:]
    places = [f"{_short(one.filename)}:{one.lineno} {one.name}" for one in reversed(frames)]
    message = repr(problem)[: MAX_LENGTH // 2]
    return "\n  ".join((message, *places))[:MAX_LENGTH]


def _short(path: str) -> str:
    """The path relative to the installation folder."""
    return "/".join(path.replace("\\", "/").split("/")[-3:])
