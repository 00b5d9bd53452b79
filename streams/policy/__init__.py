"""What may hold a trigger back; one reason a file."""
