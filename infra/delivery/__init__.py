"""Telling somebody: a schedule in Redis, and one file for each way of telling."""
