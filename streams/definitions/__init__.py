"""Definitions: the compiled playbook and the models, their versions, and which are in force.

`compile` turns a written playbook into the compiled one; `definitions` orders the versions on the
log; `dry_run` folds past events with a playbook that is not in force. Imports every feature.
"""
