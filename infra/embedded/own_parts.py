"""Daehwa's own processes as parts of the stack."""

import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from infra.embedded.process import Part

WORKERS = ("dialogue", "archive", "delivery")

_FETCH_WAIT_MS = {"dialogue": "8", "archive": "200", "delivery": "20"}


def worker_part(
    name: str, port: int, environment: Mapping[str, str], logs: Path, number: int = 1
) -> Part:
    """A Faust worker; ready once it reads its partitions. `port` serves its metrics; the second
    of a kind is called `dialogue-2`."""
    called = name if number == 1 else f"{name}-{number}"

    async def ready() -> bool:
        return "\ndaehwa_worker_ready 1" in await _get(f"http://127.0.0.1:{port}/metrics")

    return Part(
        name=called,
        command=(sys.executable, "-m", "agents", name),
        environment={
            **environment,
            "DAEHWA_METRICS_PORT": str(port),
            # The embedded broker looks for records only after half of this time; fold and delivery
            # are on the path of a trigger.
            "DAEHWA_FETCH_WAIT_MS": _FETCH_WAIT_MS[name],
        },
        log_file=logs / f"{called}.log",
        ready=ready,
        stop_seconds=15,
    )


def api_part(url: str, environment: Mapping[str, str], logs: Path) -> Part:
    """The API process; ready once Kafka and Redis answer it."""

    async def ready() -> bool:
        return bool(await _get(f"{url}/readyz"))

    return Part(
        name="api",
        command=(sys.executable, "-m", "api"),
        environment=environment,
        log_file=logs / "api.log",
        ready=ready,
    )


async def _get(url: str) -> str:
    # Plain HTTP on loopback: loading the machine's certificates takes 40 ms a request.
    async with httpx.AsyncClient(timeout=5, verify=False) as client:  # noqa: S501
        try:
            answer = await client.get(url)
        except httpx.HTTPError:
            return ""
        return answer.text if answer.status_code == 200 else ""
