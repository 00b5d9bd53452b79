"""Campaign effects, counted in the archive."""
