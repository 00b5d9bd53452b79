"""The playbook as a file and as a definition: reading, positions of errors, schema, what is in
force."""
