"""Models of customers: churn, value, tiers, rhythm, transitions, offers, and how they are fitted.

Imports profile, playbook and below; imported by segments, triggers and above.
"""
