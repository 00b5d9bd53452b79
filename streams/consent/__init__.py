"""Consent: statements by channel and purpose with their author, and whether a channel is allowed.

Imports values; imported by policy and fold.
"""
