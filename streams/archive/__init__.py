"""The archive: columns of ClickHouse tables out of decoded records, and records out of rows.

Imports triggers, playbook, quality and below; nothing in `streams` imports it.
"""
