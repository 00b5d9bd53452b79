"""Dry run: a new playbook and the one in force on the latest events of the archive."""
