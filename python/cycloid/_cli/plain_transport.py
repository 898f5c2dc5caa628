"""Sinkhorn's algorithm as it is usually written, in NumPy: what the demonstration compares with.

And the error of a solution, from its definition; all solvers are measured by it.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

_LARGEST = 600.0  # cost / reg; exp(-708) is the smallest number of full precision


@dataclass(frozen=True)
class Potentials:
    """The plan exp((f + g - M) / reg), how it was reached and the wall-clock time it took."""

    f: Vector
    g: Vector
    n_passes: int
    seconds: float


def marginal_error(f: Vector, g: Vector, M: Vector, reg: float) -> float:
    """L1 distance of both marginals of the dense plan from equal masses of total one."""
    plan = np.exp((f[:, None] + g - M) / reg)
    rows, columns = plan.sum(axis=1), plan.sum(axis=0)
    return float(np.abs(rows - 1 / len(f)).sum() + np.abs(columns - 1 / len(g)).sum())


def sinkhorn(M: Vector, reg: float, tol: float, limit: float) -> Potentials:
    """Iterate until the error is below `tol` or `limit` seconds are over.

    Scaling vectors and products with exp(-M / reg) where no entry underflows, as they are
    faster; in the log domain elsewhere.
    """
    started = time.perf_counter()
    iterates = _scaling if M.max() <= _LARGEST * reg else _log_domain
    for count, (f, g, error) in enumerate(iterates(M, reg), start=1):
        spent = time.perf_counter() - started
        if error <= tol or spent > limit:
            return Potentials(f, g, 2 * count, spent)
    raise AssertionError("the iterates do not end")


def _scaling(M: Vector, reg: float) -> Iterator[tuple[Vector, Vector, float]]:
    n, m = M.shape
    K = np.exp(-M / reg)
    rows = K.sum(axis=1)
    while True:
        u = 1 / (n * rows)
        v = 1 / (m * (u @ K))
        rows = K @ v
        # The columns are exact after v; the next step needs `rows` in any case.
        yield reg * np.log(u), reg * np.log(v), float(np.abs(u * rows - 1 / n).sum())


def _log_domain(M: Vector, reg: float) -> Iterator[tuple[Vector, Vector, float]]:
    n, m = M.shape
    scaled = M / reg
    log_rows = _log_sum(-scaled, axis=1)
    while True:
        f = -np.log(n) - log_rows
        g = -np.log(m) - _log_sum(f[:, None] - scaled, axis=0)
        log_rows = _log_sum(g - scaled, axis=1)
        yield reg * f, reg * g, float(np.abs(np.exp(f + log_rows) - 1 / n).sum())


def _log_sum(exponents: Vector, axis: int) -> Vector:
    """log sum exp along an axis, in the array's own memory."""
    largest = exponents.max(axis=axis, keepdims=True)
    exponents -= largest
    np.exp(exponents, out=exponents)
    return np.asarray(np.log(exponents.sum(axis=axis)) + largest.squeeze(axis))
