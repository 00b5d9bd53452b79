"""The log: Kafka topics, who writes to them and how."""
