"""Triggers to whoever is to be told: signed webhooks."""
