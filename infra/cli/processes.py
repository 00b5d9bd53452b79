"""`daehwa worker` and `daehwa api`: one process each, for production."""

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer


class Worker(StrEnum):
    """The three workers."""

    dialogue = "dialogue"
    archive = "archive"
    delivery = "delivery"


def worker(name: Annotated[Worker, typer.Argument(help="Which worker.")]) -> None:
    """Run one worker until it is told to stop.

    Example: daehwa worker dialogue
    """
    _become("agents", name.value)


def api() -> None:
    """Run the API until it is told to stop.

    Example: DAEHWA_PORT=8080 daehwa api
    """
    _become("api")


def _become(module: str, *arguments: str) -> None:
    # The process itself becomes the server: signals reach it, and layers stay apart.
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606
