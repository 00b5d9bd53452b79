"""What things are: frozen msgspec structs, one idea a file. Standard library and msgspec only.

Structs of the hot path say `gc=False`: they are made of JSON and of each other, from the leaves
up, so they cannot form a cycle, and a collector that walks a hundred thousand profiles stops a
worker for a tenth of a second.
"""
