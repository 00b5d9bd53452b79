"""Erasure of a customer, and export of all data."""
