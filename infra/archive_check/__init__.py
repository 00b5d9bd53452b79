"""Whether the archive adds up: Kafka's log, the tables, the facts, the profiles."""
