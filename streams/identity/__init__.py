"""Identity: which profile an event belongs to, aliases, Kafka partitions.

Imports schemas and values only.
"""
