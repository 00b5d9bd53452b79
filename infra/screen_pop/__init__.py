"""Deduplication state of screen-pops in Redis."""
