"""Rebuild of the dialogue state from the archive, see `docs/decisions/0007-rebuild.md`."""
