"""The outside world: settings, clock, logs, metrics, Kafka, Redis, ClickHouse, command line."""
