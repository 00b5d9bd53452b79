"""Forgetting a customer, and telling them what is held."""
