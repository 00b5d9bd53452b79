"""A new playbook beside the one in force, on the latest events of the archive."""
