"""Trigger types: one file each, collected in `registry`.

A file exports one `TriggerKind`: the fields of its rules, what makes it fire at once, what its
deadline means, whether it still holds later, how it reads. Imports segments, models and below;
imported by policy, fold, definitions, views and archive.
"""
