"""Harmonic functions on graphs of n^2 weights, such as those of a kernel."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy import sparse

from cycloid._inputs import Vector
from cycloid._result import Status

BLOCK = 64  # columns eliminated between two products of matrices


def eliminate(W: Vector, pull: Vector, values: Vector, deadline: float) -> dict[str, Any]:
    """What `_core.solve_field` returns, by elimination in blocks."""
    if not np.allclose(W, W.T, rtol=1e-10, atol=0.0):
        raise ValueError("the weights of a graph must be symmetric")
    held = np.isinf(pull)
    _, component = sparse.csgraph.connected_components(sparse.csr_array(W > 0), directed=False)
    loose = ~np.isin(component, component[pull > 0])
    free = np.flatnonzero(~held & ~loose)
    field = np.where(held[:, None], values, 0.0)
    raw = {"field": field, "loose": np.flatnonzero(loose), "n_iter": 0}
    weights = W[np.ix_(free, free)]
    np.fill_diagonal(weights, 0.0)
    ground = W[np.ix_(free, held)].sum(axis=1) + pull[free]
    rhs = W[np.ix_(free, held)] @ values[held] + pull[free, None] * values[free]
    # A further right-hand side, of ones, bounds the error: see `_certify`.
    solved = np.column_stack([rhs, np.ones(len(free))])
    if not _solve(weights.copy(), ground.copy(), solved, deadline):
        return raw | {"status": Status.TIME_LIMIT, "violation": 1.0, "error_bound": np.inf}
    field[free] = solved[:, :-1]
    violation, error_bound = _certify(weights, ground, rhs, solved) if len(free) else (0.0, 0.0)
    return raw | {
        "status": Status.CONVERGED,
        "violation": violation,
        "error_bound": error_bound,
    }


def _solve(A: Vector, ground: Vector, rhs: Vector, deadline: float) -> bool:
    """Overwrites its arguments, `rhs` by the solution; False if the deadline came first.

    A pivot is the sum of the weights that a node has left, never a difference, as in the algorithm
    of Grassmann, Taksar & Heyman for Markov chains: all numbers are positive, and weights from
    1e-300 to 1 cost no accuracy.
    """
    n = len(A)
    pivots = np.empty(n)
    for start in range(0, n, BLOCK):
        if time.perf_counter() > deadline:
            return False
        stop = min(start + BLOCK, n)
        for j in range(start, stop):
            later = A[j + 1 :, j]
            pivots[j] = ground[j] + later.sum()
            factor = later / pivots[j]
            A[j + 1 :, j + 1 : stop] += factor[:, None] * A[j + 1 : stop, j]
            ground[j + 1 :] += factor * ground[j]
            rhs[j + 1 :] += factor[:, None] * rhs[j]
        below = A[stop:, start:stop]
        A[stop:, stop:] += (below / pivots[start:stop]) @ below.T
    for j in range(n - 1, -1, -1):
        rhs[j] = (rhs[j] + A[j + 1 :, j] @ rhs[j + 1 :]) / pivots[j]
    return True


def _certify(weights: Vector, ground: Vector, rhs: Vector, solved: Vector) -> tuple[float, float]:
    """The relative residual, and a bound of the error, from the last column z of `solved`.

    The inverse of A = diag(ground + weights 1) - weights has no negative entry, so the error is at
    most A^{-1} |residual|, and if A z >= s > 0, at most max |residual| z / s.
    """
    diagonal = (ground + weights.sum(axis=1))[:, None]
    rhs = np.column_stack([rhs, np.ones(len(rhs))])
    residual = np.abs(rhs - (diagonal * solved - weights @ solved))
    noise = np.finfo(float).eps * (len(rhs) + 4) * (np.abs(rhs) + 2 * diagonal * np.abs(solved))
    size = np.linalg.norm(rhs[:, :-1], axis=0)
    left = np.linalg.norm(residual[:, :-1], axis=0)
    violation = float((left / np.where(size > 0, size, 1.0)).max())
    least = 1.0 - (residual + noise)[:, -1].max()
    if not least > 0:
        return violation, np.inf
    largest = (residual + noise)[:, :-1].max()
    return violation, float(largest * np.abs(solved[:, -1]).max() / least)
