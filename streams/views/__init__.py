"""Views for people: the 360-degree view of a customer, their value, the screen-pop.

Imports triggers, policy, segments, models and below; nothing in `streams` imports it.
"""
