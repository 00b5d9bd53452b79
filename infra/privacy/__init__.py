"""Erasure of a customer, and export of everything that is held."""
