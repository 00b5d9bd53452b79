"""Sources: other systems with webhooks or files, their mappings and signatures."""
