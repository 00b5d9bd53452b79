"""When to tell somebody about a customer; one kind of trigger a file."""
