"""The mutation check: each guarantee broken by a small patch must turn named tests red."""
