"""From a candidate to a decision: consent, caps, quiet hours, priority, hold-outs.

`decide` is the only way to a trigger; `suppression` says why one is held back. Imports triggers,
segments and below; imported by the fold and the views.
"""
