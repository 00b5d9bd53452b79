"""What several test folders share: histories, the running stack, receivers, fleets, waiting."""
