"""The ClickHouse engine behind ClickHouse's own protocols, in a process of its own."""
