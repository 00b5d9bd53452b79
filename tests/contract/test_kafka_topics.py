"""The Kafka topics are what the settings say, on every broker, or it is said what is wrong."""

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from infra.kafka.names import DEFINITIONS
from infra.kafka.topics import KafkaTopicsError, TopicAdmin
from tests.harness.contract_brokers import ContractBroker


def ensure(broker: ContractBroker, *names: str, **settings: int) -> None:
    admin = TopicAdmin(broker.settings(**settings))
    try:
        admin.ensure(names)
    finally:
        admin.close()


def identity(broker: ContractBroker, name: str) -> str:
    admin = TopicAdmin(broker.settings())
    try:
        return admin.identity(name)
    finally:
        admin.close()


def partitions(broker: ContractBroker, name: str) -> int:
    admin = KafkaAdminClient(bootstrap_servers=[broker.address])
    try:
        return len(admin.describe_topics([name])[0]["partitions"])
    finally:
        admin.close()


def test_missing_topics_are_created_as_the_settings_say(each_broker: ContractBroker) -> None:
    names = [each_broker.fresh_name() for _ in range(3)]
    ensure(each_broker, *names, partitions=5)
    assert [partitions(each_broker, name) for name in names] == [5, 5, 5]
    ensure(each_broker, *names, partitions=5)


def test_records_are_kept_for_as_long_as_the_settings_say(each_broker: ContractBroker) -> None:
    if each_broker.name == "tansu":
        pytest.skip("Tansu does not say how its topics are configured")
    name = each_broker.fresh_name()
    ensure(each_broker, name, partitions=1, retention_hours=3)
    admin = KafkaAdminClient(bootstrap_servers=[each_broker.address])
    try:
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    finally:
        admin.close()
    assert found["topic"][name]["retention.ms"]["value"] == str(3 * 3_600_000)


def test_definitions_are_read_in_one_order_and_kept(each_broker: ContractBroker) -> None:
    ensure(each_broker, DEFINITIONS, partitions=5)
    assert partitions(each_broker, DEFINITIONS) == 1
    ensure(each_broker, DEFINITIONS, partitions=3)
    if each_broker.name == "tansu":
        return  # it does not say how its topics are configured
    admin = KafkaAdminClient(bootstrap_servers=[each_broker.address])
    try:
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, DEFINITIONS)])
    finally:
        admin.close()
    assert found["topic"][DEFINITIONS]["cleanup.policy"]["value"] == "compact"


def test_another_number_of_partitions_is_an_error_that_says_what_to_do(
    each_broker: ContractBroker,
) -> None:
    name = each_broker.new_topic(3)
    with pytest.raises(KafkaTopicsError, match=rf"{name} has 3 .* set DAEHWA_PARTITIONS=3"):
        ensure(each_broker, name, partitions=4)
    ensure(each_broker, name, partitions=3)


def test_more_replicas_than_brokers_is_an_error_that_says_what_to_do(
    each_broker: ContractBroker,
) -> None:
    if each_broker.name == "tansu":
        pytest.skip("Tansu takes any number of replicas")
    with pytest.raises(KafkaTopicsError, match="lower DAEHWA_REPLICATION"):
        ensure(each_broker, each_broker.fresh_name(), replication=2)


def test_a_topic_created_anew_has_another_identity(each_broker: ContractBroker) -> None:
    name = each_broker.fresh_name()
    ensure(each_broker, name)
    first = identity(each_broker, name)
    assert identity(each_broker, name) == first
    each_broker.delete_topic(name)
    ensure(each_broker, name)
    assert identity(each_broker, name) != first


def test_a_topic_that_is_not_there_has_no_identity(each_broker: ContractBroker) -> None:
    with pytest.raises(KafkaError):
        identity(each_broker, each_broker.fresh_name())
