"""The playbook, compiled: matching, topics, expressions, places and the parts of rules.

Imports values; imported by profile, mapping and everything above.
"""
