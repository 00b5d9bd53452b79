"""What things are: frozen msgspec structs, one idea a file. Standard library and msgspec only."""
