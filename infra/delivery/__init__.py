"""Delivery of triggers: the schedule in Redis, and one file for each channel."""
