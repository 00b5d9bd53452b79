"""The check of a playbook in a process of its own, with bounds of memory and time.

A playbook comes from outside. Whatever is in it, the API that checks it goes on.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE

import msgspec

from infra.playbook.playbook_file import Mistake

MAX_SECONDS = 20
MAX_BYTES = 2 * 1024**3
"""Address space of the process; what the program itself takes of it is a few hundred megabytes."""

_TOO_MUCH = Mistake(
    1, 1, f"checking it takes more than {MAX_SECONDS} s or 2 GB; make it smaller or simpler"
)


async def check_playbook(text: str) -> list[Mistake]:
    """Everything that is wrong with the playbook; empty where nothing is. Takes about a second."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "infra.playbook.check_process",
        stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=dict(os.environ),
    )  # fmt: skip
    try:
        async with asyncio.timeout(MAX_SECONDS):
            answer, _ = await process.communicate(text.encode("utf-8", "surrogatepass"))
    except TimeoutError:
        return [_TOO_MUCH]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    if process.returncode != 0:
        return [_TOO_MUCH]
    return msgspec.json.decode(answer, type=list[Mistake])
