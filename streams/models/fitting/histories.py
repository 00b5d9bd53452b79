"""Purchase histories of customers, equal ones counted together: the input of fitting."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class Histories(msgspec.Struct, frozen=True):
    """Vectors of one length, a row per different (x, t_x, T). Time in weeks = days / 7."""

    x: Vector
    """Repeat purchase days: several transactions on a day are one purchase."""
    t_x: Vector
    """From the first purchase day to the last."""
    t: Vector
    """From the first purchase day to the end of the observation."""
    customers: Vector
    """How many customers the row stands for."""


class Spends(msgspec.Struct, frozen=True):
    """Vectors of one length, a row per repeat buyer."""

    x: Vector
    """Repeat purchase days."""
    mean: Vector
    """Mean spend of such a day in units of the currency, more than 0."""


def gather_histories(rows: Sequence[tuple[int, int, int, int]]) -> Histories:
    """Rows of (x, days to the last purchase, days observed, customers)."""
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 4)
    return Histories(table[:, 0], table[:, 1] / 7, table[:, 2] / 7, table[:, 3])


def gather_spends(rows: Sequence[tuple[int, float]]) -> Spends:
    """Rows of (x, mean spend)."""
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 2)
    return Spends(table[:, 0], table[:, 1])
