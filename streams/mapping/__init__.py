"""Mappings: rows and webhooks of other systems to events.

Imports playbook (expressions), tracking, identity and below; imported by infra and api only.
"""
