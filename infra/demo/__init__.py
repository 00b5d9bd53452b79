"""The demo: simulated shoppers and callers, real purchase histories, and a live view of it all."""
