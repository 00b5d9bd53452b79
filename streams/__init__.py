"""What happens to events: pure functions, state and event in, state and effects out.

No I/O, no clock, no logs, no metrics, no random. Each folder is a feature; pyproject.toml has the
layers among them, and `make lint` enforces them.
"""
