"""One worker process: `python -m agents dialogue|archive|delivery`."""

import asyncio
import os
import sys
from collections.abc import Callable
from functools import partial

import faust
import uvloop
from kafka.errors import KafkaError
from prometheus_client import start_http_server

from agents.dialogue.fault_injection import AtStep, FaultError, crash_at, no_fault
from infra.dependencies import retry_until_available
from infra.kafka.topics import KafkaTopicsError, TopicAdmin
from infra.logs import configure_logs
from infra.playbook.playbook_file import PlaybookError, read_playbook
from infra.process_memory import settle_memory
from infra.settings import Settings, SettingsError
from streams.playbook.compiled import CompiledPlaybook

WORKERS = ("dialogue", "archive", "delivery")


def main() -> int:
    """Runs the worker named by the first argument until it is told to stop."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in WORKERS:
        return _refuse(f"name a worker: {', '.join(WORKERS)}")
    try:
        settings = Settings.from_environment()
        playbook = read_playbook(settings.playbook)
        at_step = _at_step()
    except (SettingsError, PlaybookError, FaultError) as problem:
        return _refuse(str(problem))
    configure_logs(settings, name)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr=settings.host)
    try:
        asyncio.run(_ensure_topics(settings))
        app = _app(name, at_step)(settings, playbook)
        uvloop.install()
        settle_memory()
        worker = faust.Worker(app, loglevel="WARN", redirect_stdouts=False, override_logging=False)
        worker.execute_from_commandline()
    except KafkaTopicsError as problem:
        return _refuse(str(problem))
    return 0


async def _ensure_topics(settings: Settings) -> None:
    def ensure() -> None:
        admin = TopicAdmin(settings)
        try:
            admin.ensure()
        finally:
            admin.close()

    await retry_until_available(
        "kafka", lambda: asyncio.to_thread(ensure), lambda problem: isinstance(problem, KafkaError)
    )


def _app(name: str, at_step: AtStep) -> Callable[[Settings, CompiledPlaybook], faust.App]:
    # One worker imports only what it needs: the fold does without ClickHouse's client.
    if name == "archive":
        from agents.archive.app import archive_app  # noqa: PLC0415

        return archive_app
    if name == "delivery":
        from agents.delivery.app import delivery_app  # noqa: PLC0415

        return delivery_app
    from agents.dialogue.app import dialogue_app  # noqa: PLC0415

    return partial(dialogue_app, at_step=at_step)


def _at_step() -> AtStep:
    """The fault that a test injects into a batch. Raises `FaultError` outside of tests."""
    fault = os.environ.get("DAEHWA_FAULT")
    if fault is None:
        return no_fault
    if os.environ.get("DAEHWA_TESTING") != "1":
        raise FaultError("DAEHWA_FAULT kills the worker: only tests set it, with DAEHWA_TESTING=1")
    return crash_at(fault)


def _refuse(reason: str) -> int:
    sys.stderr.write(f"daehwa worker: {reason}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
