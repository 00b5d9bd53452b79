"""The log: Kafka topics, their producers and consumers."""
