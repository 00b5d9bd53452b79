"""Data quality: findings about what senders sent.

Imports identity and codec; imported by archive.
"""
