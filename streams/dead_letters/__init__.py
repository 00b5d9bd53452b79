"""Dead letters: events that could not be folded, and their replay.

Imports tracking, codec and identity; imported by agents and infra.
"""
