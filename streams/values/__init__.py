"""Values: money, durations, days.

Imports schemas only.
"""
