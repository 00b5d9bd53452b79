"""The yardstick: a plain Faust agent, one JSON record an event, its state in a table."""

import asyncio
import sys
import time

import msgspec
from aiokafka import AIOKafkaProducer
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from bench.servers import Bench
from bench.traffic import shop_events
from infra.clock import now_ms

TOPIC = "bench.idiomatic"

_APP = """
import sys, time, faust
servers, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
app = faust.App("bench-idiomatic", broker=f"aiokafka://{servers}", store="memory://",
                broker_rebalance_timeout=6, broker_session_timeout=6, broker_heartbeat_interval=2,
                web_enabled=False, topic_disable_leader=True, topic_partitions=4,
                consumer_auto_offset_reset="earliest", datadir="/tmp")

class Event(faust.Record, serializer="json"):
    message_id: str
    type: str
    anonymous_id: str
    occurred_at: int
    name: str = ""
    properties: dict = {}

events = app.topic(topic, value_type=Event, partitions=4)
customers = app.Table("bench-idiomatic-customers", default=dict, partitions=4)
seen, started = 0, 0.0

@app.agent(events)
async def fold(stream):
    global seen, started
    async for event in stream:
        if not seen:
            started = time.perf_counter()
        seen += 1
        state = customers[event.anonymous_id]
        topic_name = event.properties.get("category") or event.name
        stages = dict(state.get(topic_name, {}))
        stages[event.name or event.type] = stages.get(event.name or event.type, 0) + 1
        customers[event.anonymous_id] = {**state, topic_name: stages, "last": event.occurred_at}
        if seen == count:
            print("RATE", (count - 1) / (time.perf_counter() - started), flush=True)

worker = faust.Worker(app, loglevel="ERROR", redirect_stdouts=False, override_logging=False)
sys.argv = sys.argv[:1]
worker.execute_from_commandline()
"""


async def idiomatic_throughput(bench: Bench, count: int) -> float:
    """Events a second of the plain agent, over the same broker, the same events."""
    await _fill(bench, count)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _APP, bench.settings.kafka_servers, TOPIC, str(count),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        latest = time.monotonic() + 180
        while time.monotonic() < latest:
            line = await asyncio.wait_for(process.stdout.readline(), 180)
            if line.startswith(b"RATE"):
                return float(line.split()[1])
            if not line:
                raise RuntimeError("the plain Faust agent ended before it was measured")
        raise RuntimeError("the plain Faust agent did not finish in time")
    finally:
        process.kill()
        await process.wait()


async def _fill(bench: Bench, count: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bench.settings.kafka_servers)
    admin.create_topics([NewTopic(TOPIC, 4, 1)])
    admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bench.settings.kafka_servers, acks="all")
    await producer.start()
    try:
        pending = []
        for event in shop_events(count, 100_000, seed=2, start=now_ms()):
            key = str(event["anonymous_id"]).encode()
            pending.append(await producer.send(TOPIC, msgspec.json.encode(event), key=key))
            if len(pending) >= 1000:
                await asyncio.gather(*pending)
                pending.clear()
        await asyncio.gather(*pending)
    finally:
        await producer.stop()
