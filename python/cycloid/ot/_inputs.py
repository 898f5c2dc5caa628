"""What people pass to a transport problem, checked: shapes, masses, costs, potentials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cycloid._inputs import Vector

_TOTALS_AGREE = 1e-8  # relative


def _real_array(name: str, value: Any, shape: str, ndim: int) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers; got dtype {array.dtype}")
    if array.ndim != ndim:
        raise ValueError(f"{name} must have shape {shape}; got {array.shape}")
    return array


def as_costs(M: Any, reg: float) -> NDArray[Any]:
    """Costs of shape (n, m), float32 or float64, stored by rows or by columns; finite over reg.

    The caller's array where its layout allows, else a copy.
    """
    costs = _real_array("M", M, "(n, m)", 2)
    if costs.size == 0:
        raise ValueError(f"M must not be empty; got shape {costs.shape}")
    if costs.dtype not in (np.float32, np.float64) or not costs.dtype.isnative:
        costs = costs.astype(np.float64)
    low, high = float(costs.min()), float(costs.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        i, j = np.argwhere(~np.isfinite(costs))[0]
        raise ValueError(f"M must be finite; got {costs[i, j]} at index ({i}, {j})")
    if not math.isfinite(max(abs(low), abs(high)) / reg):
        raise ValueError(f"reg must be such that M / reg is finite; got reg={reg:g}")
    size = costs.itemsize
    regular = costs.flags.aligned and all(stride % size == 0 for stride in costs.strides)
    if not regular or not (_by_rows(costs) or _by_rows(costs.T)):
        costs = np.ascontiguousarray(costs)
    return costs


def _by_rows(array: NDArray[Any]) -> bool:
    """Whether rows are contiguous and come one after the other."""
    rows, columns = array.shape
    apart = rows == 1 or array.strides[0] >= columns * array.itemsize
    return apart and (columns == 1 or array.strides[1] == array.itemsize)


def stored_by_rows(array: NDArray[Any]) -> bool:
    """Of what `as_costs` returns: whether the core may view it as it is, or else its transpose."""
    return _by_rows(array)


def as_masses(name: str, masses: Any, length: int, meaning: str = "one mass a point") -> Vector:
    """Non-negative masses of shape (length,); None or empty: uniform of total one."""
    if masses is None:
        return np.full(length, 1 / length)
    array = np.asarray(masses)
    if array.size == 0:
        return np.full(length, 1 / length)
    array = _real_array(name, array, f"({length},)", 1)
    if len(array) != length:
        raise ValueError(f"{name} must have length {length} ({meaning}); got {len(array)}")
    array = np.ascontiguousarray(array, dtype=np.float64)
    wrong = np.flatnonzero(~((array >= 0) & (array < math.inf)))
    if wrong.size:
        raise ValueError(
            f"{name} must hold finite non-negative masses; got {array[wrong[0]]:g} at index "
            f"{wrong[0]}"
        )
    if not array.any():
        raise ValueError(f"{name} must have a positive total; got only zeros")
    return array


def check_totals(a: Vector, b: Vector) -> None:
    """The totals of both sides must be one number: mass is neither made nor lost."""
    total_a, total_b = float(a.sum()), float(b.sum())
    if not (math.isfinite(total_a) and math.isfinite(total_b)):
        raise ValueError(f"a and b must have finite totals; got {total_a:g} and {total_b:g}")
    if abs(total_a - total_b) > _TOTALS_AGREE * max(total_a, total_b):
        raise ValueError(
            f"a and b must have the same total to {_TOTALS_AGREE:g} relative; got "
            f"a.sum() = {total_a:.12g} and b.sum() = {total_b:.12g}. Divide each by its sum, or "
            "scale one of them"
        )


def as_potentials(potentials: Any, a: Vector, b: Vector) -> tuple[Vector, Vector] | None:
    """A pair (f, g) of finite potentials, or minus infinity where there is no mass."""
    if potentials is None:
        return None
    if not isinstance(potentials, tuple | list) or len(potentials) != 2:
        raise TypeError(
            f"potentials_init must be a pair (f, g) or None; got {type(potentials).__name__}"
        )
    f = _potential("f", potentials[0], a)
    return f, _potential("g", potentials[1], b)


def _potential(which: str, values: Any, masses: Vector) -> Vector:
    name = f"potentials_init's {which}"
    array = _real_array(name, values, f"({len(masses)},)", 1)
    if len(array) != len(masses):
        raise ValueError(f"{name} must have length {len(masses)}; got {len(array)}")
    array = np.ascontiguousarray(array, dtype=np.float64)
    fine = np.isfinite(array) | ((masses == 0) & (array == -math.inf))
    if not fine.all():
        first = np.flatnonzero(~fine)[0]
        raise ValueError(
            f"{name} must be finite where there is mass; got {array[first]:g} at index {first}"
        )
    return array


# ------------------------------------------------------------------------------ several problems


def as_mass_rows(name: str, masses: Any, length: int) -> NDArray[np.float64]:
    """Non-negative masses of shape (n_problems, length), or (1, length) if all share one."""
    if masses is None or np.size(masses) == 0 or np.ndim(masses) == 1:
        return as_masses(name, masses, length)[None]
    rows = _rows(name, masses, "n_problems", length, "one mass a point")
    wrong = np.argwhere(~((rows >= 0) & (rows < math.inf)))
    if len(wrong):
        i, j = wrong[0]
        raise ValueError(
            f"{name} must hold finite non-negative masses; got {rows[i, j]:g} at index ({i}, {j})"
        )
    empty = np.flatnonzero(~rows.any(axis=1))
    if empty.size:
        raise ValueError(f"{name} must have positive totals; got only zeros in row {empty[0]}")
    return rows


def _rows(name: str, values: Any, first: str, length: int, meaning: str) -> NDArray[np.float64]:
    array = _real_array(name, values, f"({first}, {length})", 2)
    if array.shape[1] != length:
        raise ValueError(
            f"{name} must have shape ({first}, {length}) ({meaning}); got {array.shape}"
        )
    return np.ascontiguousarray(array, dtype=np.float64)


def check_totals_of_rows(A: NDArray[np.float64], B: NDArray[np.float64]) -> int:
    """The number of problems; the totals of both sides of each must be one number."""
    if len(A) != len(B) and 1 not in (len(A), len(B)):
        raise ValueError(
            f"A and B must have one row a problem; got {len(A)} rows and {len(B)} rows"
        )
    totals_a, totals_b = np.broadcast_arrays(A.sum(axis=1), B.sum(axis=1))
    agree = np.abs(totals_a - totals_b) <= _TOTALS_AGREE * np.maximum(totals_a, totals_b)
    agree &= np.isfinite(totals_a) & np.isfinite(totals_b)
    if not agree.all():
        k = np.flatnonzero(~agree)[0]
        raise ValueError(
            f"A and B must have the same finite total in each problem, to {_TOTALS_AGREE:g} "
            f"relative; got {totals_a[k]:.12g} and {totals_b[k]:.12g} in problem {k}"
        )
    return len(totals_a)


def as_potential_rows(
    potentials: Any, A: NDArray[np.float64], B: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Pairs (f, g), each of shape (n_problems, length) or (1, length): finite, or -inf at zeros."""
    if potentials is None:
        return None
    if not isinstance(potentials, tuple | list) or len(potentials) != 2:
        raise TypeError(
            f"potentials_init must be a pair (f, g) or None; got {type(potentials).__name__}"
        )
    f = _potential_rows("f", potentials[0], A, count)
    return f, _potential_rows("g", potentials[1], B, count)


def _potential_rows(
    which: str, values: Any, masses: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    name = f"potentials_init's {which}"
    values = np.asarray(values)
    rows = _rows(
        name,
        values[None] if values.ndim == 1 else values,
        "n_problems",
        masses.shape[1],
        "one potential a mass",
    )
    if len(rows) not in (1, count):
        raise ValueError(f"{name} must have one row or {count}; got {len(rows)}")
    fine = np.isfinite(rows) | ((masses == 0) & (rows == -math.inf))
    if not fine.all():
        k, i = np.argwhere(~fine)[0]
        raise ValueError(
            f"{name} must be finite where there is mass; got {rows[k % len(rows), i]:g} "
            f"at index {i} in problem {k}"
        )
    return rows
