"""Faust shells: read, call the pure core, perform the effects, acknowledge."""
