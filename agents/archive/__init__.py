"""The log into ClickHouse: every event, trigger and dead letter, once."""
