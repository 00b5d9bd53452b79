"""Dead letters: looked at, and replayed after a fix."""
