"""scikit-learn's solvers of ridge-logistic regression, where there are no constraints."""

from __future__ import annotations

import functools
import warnings
from typing import Any

from bench import constrained
from bench.constrained import FiniteSum, Solution
from bench.peers.base import Peer, needs


def prepare(problem: FiniteSum, n_threads: int) -> FiniteSum:
    return problem


def solve(solver: str, problem: FiniteSum, tol: float) -> Solution:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=1 / (problem.ridge * len(problem.y)),
        solver=solver,
        fit_intercept=False,
        tol=tol,
        max_iter=1_000_000,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(problem.X, problem.y)
    return Solution(model.coef_[0])


def _supports(problem: Any) -> bool:
    return isinstance(problem, constrained.FiniteSum) and problem.m == 0


PEERS = [
    Peer(solver, _supports, prepare, functools.partial(solve, solver), needs("sklearn"))
    for solver in ("newton-cholesky", "newton-cg", "lbfgs")
]
