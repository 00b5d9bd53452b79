"""Dialogue state made anew from the archive, see `docs/decisions/0007-rebuild.md`."""
