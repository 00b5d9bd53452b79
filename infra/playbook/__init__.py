"""The playbook as a file and as a definition: reading, positions of errors, schema, definitions in
force."""
