"""Keys land where Kafka's own clients put them."""

from collections import Counter

from aiokafka.partitioner import DefaultPartitioner as AioPartitioner
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import DefaultPartitioner as KafkaPartitioner
from kafka.partitioner.default import murmur2 as kafka_murmur2

from streams.identity.partitioning import murmur2, partition_of
from streams.identity.partitioning_bulk import partitions_of
from tests.harness.histories import law


@law
@given(st.binary(max_size=70))
def test_murmur2_is_the_one_of_kafka(data: bytes) -> None:
    assert murmur2(data) == kafka_murmur2(data) & 0xFFFFFFFF
    assert murmur2(data) == aiokafka_murmur2(data) & 0xFFFFFFFF


class Cluster:
    """As much of a cluster as kafka-python's partitioner asks about."""

    def __init__(self, partitions: int) -> None:
        self.partitions = set(range(partitions))

    def topics(self) -> set[str]:
        return {"t"}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return self.partitions

    available_partitions_for_topic = partitions_for_topic


@law
@given(st.text(min_size=1, max_size=40), st.integers(1, 300))
def test_a_key_goes_where_the_default_partitioner_sends_it(key: str, partitions: int) -> None:
    data = key.encode("utf-8", "surrogatepass")
    every = list(range(partitions))
    of_kafka = KafkaPartitioner().partition("t", key, data, None, b"", Cluster(partitions))
    assert partition_of(key, partitions) == of_kafka
    assert partition_of(key, partitions) == AioPartitioner()(data, every, every)


def test_names_in_any_script() -> None:
    for key in ("대화", "Ünïcödé", "👟", "", "a" * 200):
        data = key.encode()
        assert murmur2(data) == kafka_murmur2(data) & 0xFFFFFFFF


def test_keys_spread_evenly() -> None:
    counts = Counter(partition_of(f"visitor-{n}", 8) for n in range(8000))
    assert set(counts) == set(range(8))
    assert max(counts.values()) < 1.2 * min(counts.values())


@law
@given(st.lists(st.text(max_size=24)), st.integers(1, 300))
def test_many_keys_at_once_land_where_each_alone_does(keys: list[str], partitions: int) -> None:
    found = partitions_of(keys, partitions)
    assert found == {key: partition_of(key, partitions) for key in keys}


def test_many_keys_of_one_length_at_once() -> None:
    keys = [f"visitor-{n:05d}" for n in range(5_000)]
    found = partitions_of(keys, 7)
    assert list(found) == keys
    assert found == {key: partition_of(key, 7) for key in keys}
