"""What happens to things: pure functions. No I/O, no clock, no logging, no metrics, no random."""
