"""Codecs: bytes to structs and back, for records and stored profiles.

Imports schemas only.
"""
