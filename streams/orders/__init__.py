"""The life of an order: placed, updated, refunded, cancelled; one order however often it is told.

Imports profile, playbook, values; imported by fold, archive and quality.
"""
