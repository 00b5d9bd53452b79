"""Names of the Kafka topics and consumer groups; part of the public contract."""

EVENTS = "daehwa.events"
TRIGGERS = "daehwa.triggers"
DEAD_LETTERS = "daehwa.dead-letters"
KAFKA_TOPICS = (EVENTS, TRIGGERS, DEAD_LETTERS)
"""The archived topics; each has the partitions of the settings."""

DEFINITIONS = "daehwa.definitions"
"""Playbooks and models; one partition, kept for ever."""

DIALOGUE_GROUP = "daehwa.dialogue"
ARCHIVE_GROUP = "daehwa.archive"
DELIVERY_GROUP = "daehwa.delivery"
