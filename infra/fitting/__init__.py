"""From the archive to a fitted model."""
