"""The check of a playbook in a process of its own, with bounds of memory and time.

A playbook is untrusted input: no content of it stops the API.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE

import msgspec

from infra.playbook.playbook_file import Mistake

MAX_SECONDS = 20
MAX_BYTES = 2 * 1024**3
"""Address space of the process, of which the program takes a few hundred megabytes."""
OUT_OF_MEMORY = 3
"""Exit code of the process over the memory limit."""

_TOO_MUCH = Mistake(
    1, 1, f"checking it takes more than {MAX_SECONDS} s or 2 GB; make it smaller or simpler"
)


async def check_playbook(text: str) -> list[Mistake]:
    """The mistakes of the playbook; empty for a valid one. Takes about a second. Raises
    `RuntimeError` where the check itself fails.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "infra.playbook.check_process",
        stdin=PIPE, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(MAX_SECONDS):
            answer, problem = await process.communicate(text.encode("utf-8", "surrogatepass"))
    except TimeoutError:
        return [_TOO_MUCH]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    code = process.returncode or 0
    if code == OUT_OF_MEMORY or code < 0:  # below 0: the kernel killed it at a limit
        return [_TOO_MUCH]
    if code:
        tail = problem.decode("utf-8", "replace").strip()[-500:]
        raise RuntimeError(f"the check of a playbook failed with exit code {code}: {tail}")
    return msgspec.json.decode(answer, type=list[Mistake])
