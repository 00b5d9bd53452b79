"""Events in, dialogue state and triggers out."""
