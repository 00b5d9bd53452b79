"""Consent: what is stated by channel and purpose, by whom, and whether we may speak.

Imports values; imported by policy and fold.
"""
