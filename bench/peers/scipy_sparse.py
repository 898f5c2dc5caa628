"""SciPy: sparse LU factorizations and conjugate gradients with a diagonal preconditioner."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from bench.graphs import Problem, Solution
from bench.peers.base import Peer, needs


class Data(NamedTuple):
    labels: np.ndarray
    free: np.ndarray
    A: Any
    b: np.ndarray


def prepare(by_column: bool, problem: Problem, n_threads: int) -> Data:
    free, A, b = problem.system()
    return Data(problem.labels, free, A.tocsc() if by_column else A, b)


def _filled(data: Data, x: np.ndarray) -> Solution:
    f = data.labels.copy()
    f[data.free] = x
    return Solution(f)


def factorize(symmetric: bool, data: Data, tol: float) -> Solution:
    """SuperLU's default ordering, and the one that its authors advise for symmetric matrices."""
    from scipy.sparse.linalg import splu

    if symmetric:
        factor = splu(
            data.A,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    else:
        factor = splu(data.A)
    return _filled(data, factor.solve(data.b))


def conjugate_gradients(data: Data, tol: float) -> Solution:
    from scipy.sparse.linalg import LinearOperator, cg

    inverse = 1 / data.A.diagonal()
    jacobi = LinearOperator(data.A.shape, lambda v: inverse * v)
    x = [cg(data.A, column, rtol=tol, maxiter=100_000, M=jacobi)[0] for column in data.b.T]
    return _filled(data, np.column_stack(x))


def _peer(name, solve, by_column) -> Peer:
    return Peer(
        name,
        lambda problem: isinstance(problem, Problem),
        functools.partial(prepare, by_column),
        solve,
        needs("scipy"),
    )


PEERS = [
    _peer("scipy-splu", functools.partial(factorize, False), True),
    _peer("scipy-splu-mmd", functools.partial(factorize, True), True),
    _peer("scipy-cg", conjugate_gradients, False),
]
