"""Runs a dry run in its own process and reads its progress."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator

import msgspec

from infra.dry_run.question import Answer, Problem, Progress, Question, Result

MAX_S = 300.0

_LINE = 16 * 1024 * 1024


class DryRunFailedError(Exception):
    """The dry run failed; the text says why."""


async def dry_run(question: Question) -> AsyncGenerator[Progress | Answer, None]:
    """Progress, and the answer at the end. Raises `DryRunFailedError`. Closing the iterator ends
    the process.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "infra.dry_run",
        stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=_LINE, env=dict(os.environ),
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None  # noqa: S101 - asked for above
    try:
        async with asyncio.timeout(MAX_S):
            process.stdin.write(msgspec.json.encode(question))
            process.stdin.close()
            async for line in process.stdout:
                said = _read(line)
                if isinstance(said, Problem):
                    raise DryRunFailedError(said.problem)
                yield said.result if isinstance(said, Result) else said
                if isinstance(said, Result):
                    return
        raise DryRunFailedError("it ended before it had an answer")
    except TimeoutError:
        raise DryRunFailedError(f"it took longer than {MAX_S:g} s; ask for less") from None
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _read(line: bytes) -> Progress | Result | Problem:
    if line.startswith(b'{"result"'):
        return msgspec.json.decode(line, type=Result)
    if line.startswith(b'{"problem"'):
        return msgspec.json.decode(line, type=Problem)
    return msgspec.json.decode(line, type=Progress)
