"""Segments and relationship stages: who is in, and which event can change it.

`facts` is the catalogue of what an expression may ask. Imports models, profile, playbook and
below; imported by triggers, policy and above.
"""
