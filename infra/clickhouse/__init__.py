"""The archive: how rows and the schema get into ClickHouse."""
