"""A dialogue worker whose fold fails for every event, to run as a process: a version with a bug."""

import sys
from typing import Any

from agents.__main__ import main
from streams.fold import batch


def fail(*_: Any) -> Any:
    """Fails as a fault of the fold would."""
    raise ZeroDivisionError("a made-up fault of the fold")


if __name__ == "__main__":
    batch.fold = fail
    sys.exit(main())
