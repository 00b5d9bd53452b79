"""The parts of a profile: each folds one event and merges with its like, in any order.

Imports playbook, codec, identity and values; imported by models and above.
"""
