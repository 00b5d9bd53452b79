"""HTTP: collector, customers, triggers, first page, demo shop."""
