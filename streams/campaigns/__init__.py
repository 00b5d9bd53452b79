"""Campaign effect: uplift of treated over held-out customers, with intervals.

Imports nothing of `streams`; imported by infra only.
"""
