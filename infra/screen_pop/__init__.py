"""What screen pops remember in Redis."""
