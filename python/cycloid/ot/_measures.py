"""Weights, costs and points as people pass them; and how functions on top of `solve` call it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array

from cycloid import _core
from cycloid._inputs import Vector, check_option
from cycloid._result import Status, caller_level
from cycloid.ot._inputs import as_masses, stored_by_rows
from cycloid.ot._result import TransportResult
from cycloid.ot._solve import solve

Matrix: TypeAlias = NDArray[np.float64]

COSTS = ("sqeuclidean", "euclidean", "cityblock", "cosine")


def as_matrix(name: str, values: Any) -> Matrix:
    """A finite float64 matrix with at least one row and one column."""
    if np.ndim(values) != 2 or 0 in np.shape(values):
        raise ValueError(
            f"{name} must be a non-empty matrix; got an array of shape {np.shape(values)}"
        )
    matrix: Matrix = check_array(values, dtype=np.float64, input_name=name)
    return matrix if stored_by_rows(matrix) or stored_by_rows(matrix.T) else matrix.copy()


def as_marginals(a: Any, b: Any, shape: tuple[int, int]) -> tuple[Vector, Vector]:
    """The masses of both sides, the second ones rescaled to the exact total of the first.

    The totals must agree to half of the digits of the precision in which they are given.
    """
    given = [x.dtype for x in (a, b) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    rtol = math.sqrt(max((np.finfo(dtype).eps for dtype in given), default=np.finfo(float).eps))
    a, b = as_masses("a", a, shape[0]), as_masses("b", b, shape[1])
    total, other = float(a.sum()), float(b.sum())
    if abs(total - other) > rtol * total:
        raise ValueError(
            f"a and b must have the same total mass; got {total:.10g} and {other:.10g}"
        )
    return a, b * (total / other)


def as_points(X: Any, Y: Any, names: tuple[str, str] = ("X", "Y")) -> tuple[Matrix, Matrix]:
    """Two sets of points of one dimension."""
    X, Y = as_matrix(names[0], X), as_matrix(names[1], Y)
    if X.shape[1] != Y.shape[1]:
        raise ValueError(
            f"{names[0]} and {names[1]} must hold points of one dimension; got {X.shape[1]} and "
            f"{Y.shape[1]} columns"
        )
    return X, Y


def cost_matrix(X: Matrix, Y: Matrix, cost: Any) -> Matrix:
    """Costs c(x_i, y_j) of shape (len(X), len(Y)), for a name in `COSTS`."""
    check_option("cost", cost, COSTS)
    if cost == "cosine" and not (X.any(axis=1).all() and Y.any(axis=1).all()):
        raise ValueError("cost='cosine' is not defined for points that are zero; got such a point")
    costs: Matrix = cdist(X, Y, cost)
    return costs


def row_slices(n: int, m: int) -> Iterator[slice]:
    """Slices of n rows of m entries, each of which fits into cache."""
    height = max(1, 2**17 // m)
    return (slice(first, first + height) for first in range(0, n, height))


def row_blocks(M: Matrix) -> Iterator[slice]:
    """Slices of rows that fit into cache."""
    return row_slices(*M.shape)


def soft_min(M: Matrix, g: Vector, log_b: Vector, reg: float, n_threads: int = 1) -> Vector:
    """-reg * log sum_j b_j exp((g_j - M_ij) / reg), for each row i."""
    by_rows = stored_by_rows(M)
    return _core.soft_min(
        M if by_rows else M.T, g, log_b, reg, of_rows=by_rows, n_threads=n_threads
    )


@contextmanager
def quietly() -> Iterator[None]:
    """For callers of solvers that warn in their own words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def solve_quietly(*args: Any, **options: Any) -> TransportResult:
    with quietly():
        return solve(*args, **options)


def warn_not_converged(who: str, status: Status, how_far: str, remedy: str) -> None:
    warnings.warn(
        f"{who}: {status.sentence} (Status.{status.name}): {how_far}. {remedy}.",
        ConvergenceWarning,
        stacklevel=caller_level(),
    )
