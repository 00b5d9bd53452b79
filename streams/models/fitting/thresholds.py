"""Minimum data for fitting. With less, the likelihood is so flat that two halves of one shop give
contradicting models; docs/how-to/models.md shows it on CDNOW.
"""

import numpy as np

from streams.models.fitting.histories import Histories

MIN_CUSTOMERS = 300
MIN_REPEAT_BUYERS = 100
MIN_WEEKS = 12.0
"""From the first customer's first purchase to the end."""

MIN_SPENDERS = 100
"""Repeat buyers in a currency."""


def too_thin(data: Histories) -> str | None:
    """Why this is too little data, in one sentence with the numbers; None where it is enough."""
    customers = int(data.customers.sum())
    again = int(data.customers[data.x > 0].sum())
    weeks = float(np.max(data.t, initial=0.0))
    if customers >= MIN_CUSTOMERS and again >= MIN_REPEAT_BUYERS and weeks >= MIN_WEEKS:
        return None
    return (
        f"too little to fit a model to: {customers} customers (at least {MIN_CUSTOMERS}), "
        f"{again} of them bought on more than one day (at least {MIN_REPEAT_BUYERS}), "
        f"{weeks:.1f} weeks observed (at least {MIN_WEEKS:.0f})"
    )
