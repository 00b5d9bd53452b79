"""A Kafka topic that was deleted and created anew is not read on at the old one's offsets."""

import asyncio

import pytest
from kafka.errors import KafkaConnectionError

from agents import log_watch
from agents.archive.app import ArchiveWorker
from agents.dialogue.app import DialogueWorker
from agents.log_watch import LogChangedError
from infra.settings import Settings
from tests.harness.histories import shop


class Worker(DialogueWorker):
    """A worker whose Kafka gives these answers, the last one for ever."""

    def __init__(self, *answers: str | Exception) -> None:
        self.crashed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        super().__init__(Settings(), shop(), self.crashed.set_result)
        self.answers = list(answers)
        self.asked = 0
        self.enough = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._log_id = "log-1"

    def _ask_identity(self) -> str:
        self.asked += 1
        if self.asked == 5:
            self._loop.call_soon_threadsafe(self.enough.set)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_watch, "LOOK_AT_LOG_S", 0.001)


async def test_the_worker_ends_and_reads_the_new_log_when_it_starts_again() -> None:
    worker = Worker("log-1", KafkaConnectionError(), "log-2")
    await asyncio.wait_for(worker.watch_log(), 5)
    assert isinstance(await worker.crashed, LogChangedError)


async def test_the_same_log_is_no_news() -> None:
    worker = Worker("log-1")
    watching = asyncio.create_task(worker.watch_log())
    await asyncio.wait_for(worker.enough.wait(), 5)
    assert not worker.crashed.done()
    watching.cancel()


class Archive(ArchiveWorker):
    """An archive worker that reads two Kafka topics, the second of which may become another."""

    def __init__(self, *second: str) -> None:
        self.crashed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        super().__init__(Settings(), shop(), self.crashed.set_result)
        self.second = list(second)
        self._log_ids = self._ask_identities()

    def _ask_identities(self) -> dict[str, str]:
        second = self.second.pop(0) if len(self.second) > 1 else self.second[0]
        return {"daehwa.events": "log-1", "daehwa.triggers": second}


async def test_the_archive_ends_where_any_of_its_logs_is_a_new_one() -> None:
    worker = Archive("log-2", "log-2", "log-3")
    await asyncio.wait_for(worker.watch_log(), 5)
    assert isinstance(await worker.crashed, LogChangedError)
    assert len(worker.second) == 1
