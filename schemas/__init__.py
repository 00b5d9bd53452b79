"""Data: frozen msgspec structs, one concept a file. Standard library and msgspec only.

Structs of the hot path have `gc=False`: they are built from the leaves up and cannot form a cycle,
and a garbage collection over a hundred thousand profiles stops a worker for a tenth of a second.
"""
