"""What campaigns changed, counted in the archive."""
