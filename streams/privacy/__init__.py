"""Privacy: scrubbing of addresses and identifiers, erasure of a customer.

Imports models, identity and below; imported by fold and archive.
"""
