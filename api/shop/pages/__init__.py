"""Templates, style sheet and scripts of the demo shop."""
