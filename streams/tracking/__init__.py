"""The tracking protocol: request bodies to events.

Imports identity, codec and values; imported by mapping and dead_letters.
"""
