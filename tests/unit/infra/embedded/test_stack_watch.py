"""What the embedded stack does about a part that ends."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.embedded import stack as stack_module
from infra.embedded.process import PartFailedError
from infra.embedded.stack import Stack
from infra.kafka.topics import KafkaTopicsError
from infra.settings import Settings


class Ending:
    """A part that ends at once whenever it was started, or does not start."""

    def __init__(self, *starts: Exception | None) -> None:
        self.part = SimpleNamespace(name="ending", forgets=False)
        self.pid = 1
        self.killed = 0
        self._starts = list(starts)

    async def wait(self) -> int:
        return 1

    async def start(self) -> None:
        problem = self._starts.pop(0)
        if problem is not None:
            raise problem

    async def kill(self) -> None:
        self.killed += 1


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    async def at_once(_: float) -> None:
        return None

    monkeypatch.setattr(stack_module.asyncio, "sleep", at_once)
    monkeypatch.setattr(stack_module, "MAX_RESTARTS", 3)
    return Stack(Settings(port=0), tmp_path, tell=lambda _: None)


async def test_whatever_hinders_a_start_it_is_tried_again(stack: Stack) -> None:
    part: Any = Ending(KafkaTopicsError("two"), PartFailedError("late"), OSError("gone"))
    await stack._watch(part)
    assert part.killed == 3


async def test_a_part_that_keeps_ending_is_given_up(stack: Stack) -> None:
    stack.gave_up = stack_module.asyncio.get_running_loop().create_future()
    part: Any = Ending(None, None, None)
    await stack._watch(part)
    assert stack.gave_up.result() == "ending"


async def test_a_part_that_does_not_get_ready_holds_up_no_other(stack: Stack) -> None:
    started = stack_module.asyncio.Event()

    class Waiting(Ending):
        async def start(self) -> None:
            started.set()
            await stack_module.asyncio.Event().wait()

    waiting: Any = Waiting()
    watcher = stack_module.asyncio.create_task(stack._watch(waiting))
    await started.wait()
    other: Any = Ending(None, None, None)
    stack.gave_up = stack_module.asyncio.get_running_loop().create_future()
    await stack._watch(other)
    assert stack.gave_up.result() == "ending"
    watcher.cancel()


async def test_what_lasted_is_not_held_against_a_part(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack_module, "LASTING_SECONDS", 0.0)
    part: Any = Ending(*[None] * 10)
    with pytest.raises(IndexError):  # it is started for as long as the test has starts
        await stack._watch(part)


async def test_parts_are_stopped_although_the_drain_fails(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []

    class Running:
        pid = 1

        def __init__(self, name: str) -> None:
            self._name = name

        async def stop(self) -> None:
            stopped.append(self._name)

    async def fails() -> None:
        raise KeyError("daehwa-dialogue")

    servers: Any = [Running("kafka")]
    own: Any = [Running("dialogue"), Running("api")]
    monkeypatch.setattr(stack, "_servers", servers)
    monkeypatch.setattr(stack, "_own", own)
    monkeypatch.setattr(stack, "_drain", fails)
    with pytest.raises(KeyError):
        await stack.stop()
    assert stopped == ["api", "dialogue", "api", "kafka"]
